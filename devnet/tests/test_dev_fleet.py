"""Several networks at once."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudpay_devnet.chains import CHAINS
from cloudpay_devnet.errors import NodeDidNotStart, UnknownDevNetwork
from cloudpay_devnet.fleet import Devnet
from cloudpay_devnet.networks import Kind
from cloudpay_devnet.tron.addresses import PREFIX, to_base58
from cloudpay_devnet.waiting import wait_for


def test_all_networks_run_side_by_side_and_end_together(new_address: Callable[[], str]) -> None:
    with Devnet.start(block_time=None) as devnet:
        assert list(devnet.networks) == ["evm", "bsc", "polygon", "tron"]
        assert len({network.chain_id for network in devnet.networks.values()}) == 4
        assert len({network.assets["USDT"].token_address for network in devnet.networks.values()}) == 4
        for chain in devnet.chains.values():
            to = to_base58(PREFIX + bytes.fromhex(new_address()[2:]))
            to = to if chain.network.kind is Kind.TRON else new_address()
            for symbol in chain.network.assets:
                chain.pay(symbol, to, 7)
                chain.fund(to, symbol, 2)
                assert chain.balance(symbol, to) == 9
    assert not any(chain.node.alive for chain in devnet.chains.values())


def test_a_data_directory_keeps_every_chain(tmp_path: Path) -> None:
    with Devnet.start(["polygon", "tron"], block_time=None, data_dir=tmp_path) as devnet:
        heights = {name: chain.node.mine(3) for name, chain in devnet.chains.items()}
    with Devnet.start(["polygon", "tron"], block_time=None, data_dir=tmp_path) as devnet:
        # A TRON node that starts makes one block, so that its head is of today.
        assert {name: chain.node.mine() for name, chain in devnet.chains.items()} == {
            "polygon": heights["polygon"] + 1,
            "tron": heights["tron"] + 2,
        }


@pytest.mark.parametrize("name", list(CHAINS))
def test_a_node_that_died_goes_on_at_its_address(tmp_path: Path, name: str) -> None:
    with Devnet.start([name], block_time=None, data_dir=tmp_path) as devnet:
        chain = devnet.chains[name]
        before = chain.network
        os.kill(chain.node.pid, signal.SIGKILL)
        wait_for("its end", lambda: None if chain.node.alive else True, 10)
        chain.node.restart()
        assert (chain.node.alive, chain.network.rpc_url) == (True, before.rpc_url)
        assert chain.network.pid != before.pid


def test_an_unknown_network_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(UnknownDevNetwork, match="'solana'; it has evm, bsc, polygon, tron"):
        Devnet.start(["evm", "solana"], data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_one_network_that_fails_stops_the_others(tmp_path: Path) -> None:
    (tmp_path / "bsc.anvil.json").write_text("this is no chain")
    with pytest.raises(NodeDidNotStart):
        Devnet.start(["evm", "bsc"], data_dir=tmp_path)
    assert (tmp_path / "evm.anvil.json").exists()  # it ran, was stopped, and saved its chain
