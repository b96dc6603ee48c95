"""One node: it starts, obeys, keeps its chain, and never outlives its owner."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cloudpay_devnet.anvil import AnvilNode, find_anvil
from cloudpay_devnet.errors import (
    AnvilNotFound,
    DevnetError,
    NodeDidNotStart,
    NodeUnreachable,
    NotInTime,
    RpcFailed,
)
from cloudpay_devnet.networks import FAUCET, PAYER
from cloudpay_devnet.waiting import wait_for

_OTHER = "0x00000000000000000000000000000000000C10Ed"


def _send(node: AnvilNode, units: int = 5) -> str:
    request = {"from": PAYER.address, "to": _OTHER, "value": hex(units)}
    return node.rpc.text("eth_sendTransaction", request)


def _block_of(node: AnvilNode, tx_hash: str) -> int | None:
    receipt = node.rpc.record("eth_getTransactionReceipt", tx_hash)
    return None if receipt is None else int(str(receipt["blockNumber"]), 16)


def _mined(node: AnvilNode, tx_hash: str) -> int:
    return wait_for("inclusion", lambda: _block_of(node, tx_hash), 10)


def _gone(pid: int) -> bool | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return None


def test_a_node_has_the_chain_id_it_was_asked_for() -> None:
    with AnvilNode.start(31999) as node:
        assert node.rpc.number("eth_chainId") == 31999
        assert node.alive


def test_a_stopped_node_is_gone_and_says_so(anvil: AnvilNode) -> None:
    anvil.stop()
    assert not anvil.alive
    with pytest.raises(NodeUnreachable, match="is it still running"):
        anvil.block_number()


def test_a_taken_port_stops_the_start_with_the_nodes_own_words(anvil: AnvilNode) -> None:
    port = int(anvil.rpc_url.rsplit(":", 1)[1])
    with pytest.raises(NodeDidNotStart, match=r"[Aa]ddress.*in use"):
        AnvilNode.start(port=port)


def test_finalized_is_two_epochs_behind_the_head() -> None:
    with AnvilNode.start(slots_in_epoch=4) as node:
        head = node.mine(20)
        final = node.rpc.record("eth_getBlockByNumber", "finalized", False)
        assert final is not None and int(str(final["number"]), 16) == head - 8


def test_a_block_time_mines_without_being_asked() -> None:
    with AnvilNode.start(block_time=0.1) as node:
        tx_hash = _send(node)
        assert _mined(node, tx_hash) > 0
        wait_for("a third block", lambda: True if node.block_number() >= 3 else None, 10)


def test_without_automine_a_transaction_waits_for_mine_and_can_be_dropped(anvil: AnvilNode) -> None:
    anvil.set_automine(False)
    dropped, kept = _send(anvil), _send(anvil, 6)
    anvil.drop_transaction(dropped)
    anvil.mine()
    assert _block_of(anvil, dropped) is None
    with pytest.raises(DevnetError, match="holds no transaction"):
        anvil.drop_transaction(dropped)
    assert anvil.rpc.record("eth_getTransactionByHash", dropped) is None
    # The later one now waits for a nonce that nobody sent.
    assert _block_of(anvil, kept) is None


def test_a_reorg_replaces_blocks_and_loses_their_transactions(anvil: AnvilNode) -> None:
    anvil.mine(3)
    tx_hash = _send(anvil)
    number = _mined(anvil, tx_hash)
    anvil.mine(4)
    head = anvil.block_number()
    before = [anvil.block_hash(height) for height in range(head + 1)]

    anvil.reorg(5)

    after = [anvil.block_hash(height) for height in range(anvil.block_number() + 1)]
    assert len(after) == len(before)
    assert after[:number] == before[:number]
    assert all(new != old for new, old in zip(after[number:], before[number:], strict=True))
    assert _block_of(anvil, tx_hash) is None
    assert anvil.balance(_OTHER) == 0


def test_a_reorg_replaces_empty_blocks_of_the_same_second_by_others(anvil: AnvilNode) -> None:
    anvil.mine(300)  # by now the base fee stands still
    before = [anvil.block_hash(height) for height in (298, 299, 300)]
    anvil.reorg(2)
    after = [anvil.block_hash(height) for height in (298, 299, 300)]
    assert after[0] == before[0] and not set(after[1:]) & set(before[1:])


def test_a_reorg_can_mine_a_transaction_again_in_a_later_block(anvil: AnvilNode) -> None:
    tx_hash = _send(anvil)
    number = _mined(anvil, tx_hash)
    anvil.mine(2)
    old_hash = anvil.block_hash(number)

    anvil.reorg(3, keep=[(tx_hash, 1)])

    assert _block_of(anvil, tx_hash) == number + 1
    assert anvil.block_hash(number) != old_hash
    assert anvil.balance(_OTHER) == 5


def test_a_snapshot_brings_the_chain_back_once(anvil: AnvilNode) -> None:
    snapshot = anvil.snapshot()
    _mined(anvil, _send(anvil))
    anvil.revert(snapshot)
    assert anvil.balance(_OTHER) == 0
    with pytest.raises(DevnetError, match="each can be used once"):
        anvil.revert(snapshot)


def test_a_set_balance_comes_without_a_block(anvil: AnvilNode) -> None:
    anvil.set_balance(_OTHER, 2**256 - 1)
    assert anvil.balance(_OTHER) == 2**256 - 1
    assert anvil.block_number() == 0


def test_an_error_of_the_node_names_the_method(anvil: AnvilNode) -> None:
    with pytest.raises(RpcFailed, match="eth_nonsense failed with -32601"):
        anvil.rpc.call("eth_nonsense")


def test_a_saved_chain_goes_on_where_it_stopped(tmp_path: Path) -> None:
    state_path = tmp_path / "deep" / "chain.json"
    with AnvilNode.start(state_path=state_path) as node:
        tx_hashes = [_send(node) for _ in range(4)]
        numbers = [_mined(node, tx_hash) for tx_hash in tx_hashes]
        hashes = [node.block_hash(number) for number in range(5)]
    with AnvilNode.start(state_path=state_path) as node:
        assert node.block_number() == 4
        assert [node.block_hash(number) for number in range(5)] == hashes
        assert [_block_of(node, tx_hash) for tx_hash in tx_hashes] == numbers
        assert [node.balance(_OTHER, number) for number in range(5)] == [0, 5, 10, 15, 20]
        assert _mined(node, _send(node)) == 5


def test_a_restart_keeps_the_port_and_a_kill_loses_what_was_not_saved(tmp_path: Path) -> None:
    with AnvilNode.start(state_path=tmp_path / "chain.json") as node:
        url, first_pid = node.rpc_url, node.pid
        node.mine(2)
        node.restart()
        assert (node.rpc_url, node.block_number()) == (url, 2)
        assert node.pid != first_pid
        node.mine(2)
        node.kill()
        node.restart()
        assert (node.rpc_url, node.block_number()) == (url, 2)


_OWNER = """
import sys, threading, time
from pathlib import Path
from cloudpay_devnet.anvil import AnvilNode

def start():
    node = AnvilNode.start(state_path=Path(sys.argv[1]))
    node.mine(7)
    print(node.pid, node.rpc_url, node.folder, flush=True)

thread = threading.Thread(target=start)
thread.start()
thread.join()  # the node must outlive the thread that started it, and not the process
sys.stdin.read()
"""


def test_a_node_dies_with_its_owner_and_saves_its_chain_even_after_kill_9(tmp_path: Path) -> None:
    state_path = tmp_path / "chain.json"
    owner = subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(state_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        assert owner.stdout is not None
        pid_text, url, work_dir = owner.stdout.readline().split()
        assert _gone(int(pid_text)) is None
        owner.send_signal(signal.SIGKILL)
    wait_for("the end of the node", lambda: _gone(int(pid_text)), 10)
    wait_for("the clearing away", lambda: None if Path(work_dir).exists() else True, 10)
    with AnvilNode.start(state_path=state_path, port=int(url.rsplit(":", 1)[1])) as node:
        assert node.block_number() == 7


def test_the_pid_is_the_nodes_own_and_no_npm_wrapper(anvil: AnvilNode) -> None:
    command = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(anvil.pid)], capture_output=True, text=True, check=True
    ).stdout
    assert command.startswith(str(find_anvil()))


def test_a_missing_anvil_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDPAY_ANVIL", str(tmp_path / "nowhere"))
    with pytest.raises(AnvilNotFound, match=r"make setup.*CLOUDPAY_ANVIL"):
        find_anvil()


def test_a_wrapper_script_is_not_taken_for_the_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "anvil"
    script.write_text("#!/usr/bin/env node\n")
    script.chmod(0o755)
    monkeypatch.setenv("CLOUDPAY_ANVIL", str(script))
    with pytest.raises(AnvilNotFound):
        find_anvil()


def test_another_mnemonic_gives_other_accounts() -> None:
    words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
    with AnvilNode.start(mnemonic=words) as node:
        assert node.balance(PAYER.address) == 0
        assert node.balance(FAUCET.address) == 0
        accounts = node.rpc.call("eth_accounts")
        assert isinstance(accounts, list)
        assert accounts[0].lower() == "0x9858effd232b4033e47d90003d41ec34ecaeda94"


def test_a_block_time_obeys_the_nodes_own_switches_and_can_be_resumed() -> None:
    with AnvilNode.start(block_time=0.05) as node:
        node.rpc.call("evm_setIntervalMining", 0)
        frozen = node.block_number() + 1  # one may be under way
        with pytest.raises(NotInTime):
            wait_for("a block", lambda: True if node.block_number() > frozen else None, 0.3)
        tx_hash = _send(node)
        with pytest.raises(NotInTime):
            wait_for("inclusion", lambda: _block_of(node, tx_hash), 0.2)
        node.resume_block_time()
        assert _mined(node, tx_hash) >= frozen


def test_a_node_with_a_block_time_stays_small_over_thousands_of_blocks(tmp_path: Path) -> None:
    with AnvilNode.start(block_time=1, state_path=tmp_path / "chain.json") as node:
        for _ in range(10):
            node.mine(300)
        memory = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(node.pid)], capture_output=True, text=True, check=True
        ).stdout
        assert int(memory) < 200_000  # kilobytes; 812,000 without the two measures against it
        assert node.balance(PAYER.address, node.block_number() - 100) > 0
        with pytest.raises(RpcFailed, match="BlockOutOfRange"):
            node.balance(PAYER.address, 100)
