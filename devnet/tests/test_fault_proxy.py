"""The proxy: its faults lie as they say, one by one, together, for a while and from outside."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from click.testing import CliRunner
from eth_utils.address import to_checksum_address

from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.commands.devnet import devnet
from cloudpay_devnet.faultproxy import FaultProxy
from cloudpay_devnet.faultproxy.catalogue import FAULTS, UnknownFault, make_fault
from cloudpay_devnet.faultproxy.faults.answers import CutJson, Latency, TooManyRequests
from cloudpay_devnet.faultproxy.faults.forks import OtherFork, WrongChainId, WrongGenesis
from cloudpay_devnet.faultproxy.faults.headers import ProofOfAuthority
from cloudpay_devnet.faultproxy.faults.heads import BackwardsHead, FrozenFinality, FrozenHead, StaleHead
from cloudpay_devnet.faultproxy.faults.limits import RangeLimit
from cloudpay_devnet.faultproxy.faults.logs import EmptyLogs, RemovedLogs
from cloudpay_devnet.faultproxy.faults.sending import LostAnswers, RefusedTransactions, SwallowedTransactions
from cloudpay_devnet.faultproxy.faults.transactions import MissingReceipts

SOMEBODY = to_checksum_address("0x" + "ab" * 20)


@pytest.fixture
def proxy(evm_chain: DevChain) -> Iterator[FaultProxy]:
    with FaultProxy(evm_chain.node.rpc_url) as running:
        yield running


def raw(proxy: FaultProxy, method: str, *params: Any) -> requests.Response:
    call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return requests.post(proxy.url, json=call, timeout=10)


def ask(proxy: FaultProxy, method: str, *params: Any) -> Any:
    answer = raw(proxy, method, *params).json()
    return answer.get("result", answer.get("error"))


def head(proxy: FaultProxy) -> int:
    return int(ask(proxy, "eth_blockNumber"), 16)


def test_without_faults_it_is_the_node(proxy: FaultProxy, evm_chain: DevChain) -> None:
    assert head(proxy) == evm_chain.node.block_number()
    assert ask(proxy, "eth_getBlockByNumber", "latest", True)["number"] == hex(head(proxy))


def test_a_fault_acts_for_its_methods_and_so_many_calls(proxy: FaultProxy) -> None:
    switch = proxy.switch_on(TooManyRequests(retry_after=7), methods=["eth_chainId"], times=2)
    assert raw(proxy, "eth_blockNumber").status_code == 200
    answers = [raw(proxy, "eth_chainId") for _ in range(3)]
    assert [each.status_code for each in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "7" and switch.hits == 2 and proxy.switches == ()


def test_faults_add_up_and_the_last_one_stands_in_front(proxy: FaultProxy) -> None:
    real = head(proxy)
    with proxy.faulty(StaleHead(blocks=1)), proxy.faulty(StaleHead(blocks=2)), proxy.faulty(WrongChainId(5)):
        assert head(proxy) == real - 3 and ask(proxy, "eth_chainId") == "0x5"
    assert head(proxy) == real


def test_a_cut_answer_is_cut(proxy: FaultProxy) -> None:
    with proxy.faulty(CutJson()), pytest.raises(requests.JSONDecodeError):
        raw(proxy, "eth_blockNumber").json()
    with proxy.faulty(CutJson(told=True)), pytest.raises(requests.RequestException):
        raw(proxy, "eth_blockNumber")


def test_what_lies_above_a_ceiling_does_not_exist(proxy: FaultProxy, evm_chain: DevChain) -> None:
    proxy.switch_on(FrozenHead())
    top = head(proxy)
    tx_hash = evm_chain.pay("USDT", SOMEBODY, 5)
    newest = evm_chain.node.block_number()
    block_hash = evm_chain.node.block_hash(newest)
    assert head(proxy) == top == newest - 1
    assert ask(proxy, "eth_getBlockByNumber", hex(newest), False) is None
    assert ask(proxy, "eth_getBlockByHash", block_hash, False) is None
    assert ask(proxy, "eth_getTransactionReceipt", tx_hash) is None
    assert ask(proxy, "eth_getLogs", {"fromBlock": hex(newest), "toBlock": "latest"}) == []
    assert "message" in ask(proxy, "eth_getLogs", {"blockHash": block_hash})
    assert "message" in ask(proxy, "eth_getBalance", SOMEBODY, hex(newest))
    assert ask(proxy, "eth_getBalance", SOMEBODY, "latest").startswith("0x")


def test_a_head_goes_back_and_forth(proxy: FaultProxy) -> None:
    real = head(proxy)
    proxy.switch_on(BackwardsHead(blocks=2))
    assert [head(proxy) for _ in range(4)] == [real - 2, real, real - 2, real]


def test_finality_stands_still_while_the_head_moves(proxy: FaultProxy, evm_chain: DevChain) -> None:
    proxy.switch_on(FrozenFinality())
    final = ask(proxy, "eth_getBlockByNumber", "finalized", False)["number"]
    evm_chain.node.mine(10)
    assert ask(proxy, "eth_getBlockByNumber", "finalized", False)["number"] == final
    assert head(proxy) == evm_chain.node.block_number()


def test_another_fork_is_linked_and_answers_to_its_own_hashes_alone(
    proxy: FaultProxy, evm_chain: DevChain
) -> None:
    since = evm_chain.node.block_number() + 1
    evm_chain.pay("USDT", SOMEBODY, 5)
    evm_chain.node.mine(2)
    real = [evm_chain.node.block_hash(since + step) for step in range(-1, 3)]
    proxy.switch_on(OtherFork(since=since))
    blocks = [ask(proxy, "eth_getBlockByNumber", hex(since + step), False) for step in range(-1, 3)]
    assert blocks[0]["hash"] == real[0] and blocks[1]["parentHash"] == real[0]
    assert all(block["hash"] != known for block, known in zip(blocks[1:], real[1:], strict=True))
    assert all(child["parentHash"] == block["hash"] for block, child in itertools.pairwise(blocks))
    [log] = ask(proxy, "eth_getLogs", {"blockHash": blocks[1]["hash"]})
    assert log["blockHash"] == blocks[1]["hash"]
    assert ask(proxy, "eth_getBlockByHash", real[1], False) is None
    assert ask(proxy, "eth_getBlockByHash", blocks[1]["hash"], False)["number"] == hex(since)


def test_another_first_block(proxy: FaultProxy) -> None:
    real = ask(proxy, "eth_getBlockByNumber", "0x0", False)["hash"]
    proxy.switch_on(WrongGenesis())
    assert ask(proxy, "eth_getBlockByNumber", "0x0", False)["hash"] != real
    assert ask(proxy, "eth_getBlockByNumber", "0x1", False)["parentHash"] != real


def test_ranges_are_limited_by_blocks_and_by_results(proxy: FaultProxy, evm_chain: DevChain) -> None:
    evm_chain.pay("USDT", SOMEBODY, 5)
    last = evm_chain.node.block_number()
    proxy.switch_on(RangeLimit(blocks=2, provider="alchemy"))
    assert ask(proxy, "eth_getLogs", {"fromBlock": hex(last - 2), "toBlock": "latest"})["code"] == -32602
    assert len(ask(proxy, "eth_getLogs", {"fromBlock": hex(last - 1), "toBlock": hex(last)})) >= 1
    proxy.switch_off("range_limit")
    proxy.switch_on(RangeLimit(blocks=0, results=1, provider="infura"))
    assert "10000 results" in ask(proxy, "eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})["message"]


def test_logs_are_left_out_or_undone(proxy: FaultProxy, evm_chain: DevChain) -> None:
    tx_hash = evm_chain.pay("USDT", SOMEBODY, 5)
    asked = {"fromBlock": hex(evm_chain.node.block_number()), "toBlock": "latest"}
    with proxy.faulty(EmptyLogs()):
        assert ask(proxy, "eth_getLogs", asked) == []
    with proxy.faulty(RemovedLogs()):
        assert [log["removed"] for log in ask(proxy, "eth_getLogs", asked)] == [True]
    with proxy.faulty(RemovedLogs(beside=True)):
        assert [log["removed"] for log in ask(proxy, "eth_getLogs", asked)] == [True, False]
    with proxy.faulty(MissingReceipts()):
        assert ask(proxy, "eth_getTransactionReceipt", tx_hash) is None
    assert ask(proxy, "eth_getTransactionReceipt", tx_hash)["status"] == "0x1"


def test_headers_are_as_long_and_odd_as_on_proof_of_authority_chains(proxy: FaultProxy) -> None:
    proxy.switch_on(ProofOfAuthority(extra_bytes=1_000))
    block = ask(proxy, "eth_getBlockByNumber", "latest", False)
    assert len(block["extraData"]) == 2 + 2_000 and "baseFeePerGas" not in block


def test_answers_come_late(proxy: FaultProxy) -> None:
    with proxy.faulty(Latency(seconds=0.3)):
        assert raw(proxy, "eth_blockNumber").elapsed.total_seconds() >= 0.3


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_can_be_made_by_name_says_what_it_is_and_lets_the_proxy_live(
    proxy: FaultProxy, name: str
) -> None:
    assert len((FAULTS[name].__doc__ or "").splitlines()[0]) > 30
    proxy.switch_on(make_fault(name, {}))
    with pytest.raises(UnknownFault, match="has no option"):
        make_fault(name, {"nonsense": "1"})
    if name not in ("closed", "lost_answers"):
        assert raw(proxy, "eth_getBlockByNumber", "latest", False).status_code in (200, 429, 503)
    proxy.switch_off()
    assert head(proxy) > 0


def test_faults_are_switched_from_outside(proxy: FaultProxy) -> None:
    address = f"{proxy.url}/__faults__"
    change = {"on": "stale_head", "options": {"blocks": "3"}, "methods": ["eth_blockNumber"], "times": 1}
    real = head(proxy)
    assert requests.post(address, json=change, timeout=5).json()["on"][0]["options"] == {"blocks": 3}
    assert (head(proxy), head(proxy)) == (real - 3, real)
    assert "stale_head" in requests.get(address, timeout=5).json()["known"]
    requests.post(address, json={"on": "http_503"}, timeout=5)
    assert requests.post(address, json={"off": "all"}, timeout=5).json()["on"] == []


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"on": "nothing"},
        {"on": "stale_head", "off": "all"},
        {"on": "stale_head", "x": 1},
        [],
        "stale_head",
    ],
)
def test_what_is_no_switch_is_refused_and_changes_nothing(proxy: FaultProxy, change: Any) -> None:
    answer = requests.post(f"{proxy.url}/__faults__", json=change, timeout=5)
    assert answer.status_code == 400 and answer.json()["error"] and proxy.switches == ()


def test_a_page_in_a_browser_cannot_switch(proxy: FaultProxy) -> None:
    answer = requests.post(f"{proxy.url}/__faults__", data='{"on": "http_503"}', timeout=5)
    assert answer.status_code == 415 and proxy.switches == ()


def test_faults_are_switched_by_hand(proxy: FaultProxy) -> None:
    run = CliRunner().invoke
    real = head(proxy)
    told = run(devnet, ["fault", proxy.url, "stale_head", "-o", "blocks=2", "--times", "5"])
    assert told.exit_code == 0 and "blocks=2, 5 more" in told.output
    assert head(proxy) == real - 2
    assert run(devnet, ["fault", proxy.url, "--off"]).exit_code == 0 and head(proxy) == real
    assert "choose one of" in str(run(devnet, ["fault", proxy.url, "nothing"]).exception)
    assert "No fault proxy answers" in str(run(devnet, ["fault", "http://127.0.0.1:1"]).exception)
    assert "frozen_finalized" in run(devnet, ["faults"]).output


def test_a_node_that_is_gone_is_a_bad_gateway() -> None:
    with FaultProxy("http://127.0.0.1:1") as proxy:
        assert raw(proxy, "eth_blockNumber").status_code == 502


def signed(chain: DevChain, nonce: int) -> str:
    """A transaction that somebody with a key of their own has signed, who has the money for it."""
    from eth_account import Account

    account = Account.from_key("0x" + "7a" * 32)
    chain.fund(account.address, "ETH", 10**18)
    wanted = {
        "nonce": nonce, "to": SOMEBODY, "value": 1, "gas": 21_000, "chainId": chain.spec.chain_id,
        "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9,
    }  # fmt: skip
    return str(account.sign_transaction(wanted).raw_transaction.to_0x_hex())


def test_transactions_are_taken_without_an_answer_swallowed_or_refused(
    proxy: FaultProxy, evm_chain: DevChain
) -> None:
    held = int(ask(proxy, "eth_getBalance", SOMEBODY, "latest"), 16)
    with proxy.faulty(SwallowedTransactions()):
        swallowed = ask(proxy, "eth_sendRawTransaction", signed(evm_chain, 0))
    assert ask(proxy, "eth_getTransactionByHash", swallowed) is None
    with proxy.faulty(RefusedTransactions()):
        assert ask(proxy, "eth_sendRawTransaction", signed(evm_chain, 0))["message"] == "nonce too low"
    assert int(ask(proxy, "eth_getBalance", SOMEBODY, "latest"), 16) == held
    with proxy.faulty(LostAnswers()), pytest.raises(requests.ConnectionError):
        raw(proxy, "eth_sendRawTransaction", signed(evm_chain, 0))
    with proxy.faulty(RefusedTransactions("already imported", taken=True)):
        assert ask(proxy, "eth_sendRawTransaction", signed(evm_chain, 1))["message"] == "already imported"
    assert int(ask(proxy, "eth_getBalance", SOMEBODY, "latest"), 16) == held + 2
    assert ask(proxy, "eth_getTransactionByHash", swallowed)["hash"] == swallowed
