"""Several networks at once."""

from pathlib import Path

import pytest

from cloudpay_devnet.errors import NodeDidNotStart, UnknownDevNetwork
from cloudpay_devnet.fleet import Devnet


def test_three_networks_run_side_by_side_and_end_together() -> None:
    with Devnet.start() as devnet:
        assert list(devnet.networks) == ["evm", "bsc", "polygon"]
        assert len({network.chain_id for network in devnet.networks.values()}) == 3
        assert len({network.assets["USDT"].token_address for network in devnet.networks.values()}) == 3
        for chain in devnet.chains.values():
            assert chain.node.rpc.number("eth_chainId") == chain.network.chain_id
    assert not any(chain.node.alive for chain in devnet.chains.values())


def test_a_data_directory_keeps_every_chain(tmp_path: Path) -> None:
    with Devnet.start(["evm", "polygon"], block_time=None, data_dir=tmp_path) as devnet:
        heights = {name: chain.node.mine(3) for name, chain in devnet.chains.items()}
    with Devnet.start(["evm", "polygon"], block_time=None, data_dir=tmp_path) as devnet:
        assert {name: chain.node.block_number() for name, chain in devnet.chains.items()} == heights


def test_an_unknown_network_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(UnknownDevNetwork, match="'solana'; it has evm, bsc, polygon"):
        Devnet.start(["evm", "solana"], data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_one_network_that_fails_stops_the_others(tmp_path: Path) -> None:
    (tmp_path / "bsc.anvil.json").write_text("this is no chain")
    with pytest.raises(NodeDidNotStart):
        Devnet.start(["evm", "bsc"], data_dir=tmp_path)
    assert (tmp_path / "evm.anvil.json").exists()  # it ran, was stopped, and saved its chain
