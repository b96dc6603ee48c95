"""What `verify` stops at, before a wrong table costs money."""

from typing import Any

import pytest

from cloudpay.chains.errors import MissingToken, NodeUnavailable, UnusableTable, WrongChain, WrongDecimals
from cloudpay.chains.registry import load_chains
from cloudpay.kernel.errors import ConfigurationError
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.faultproxy import Answered, FaultProxy

MakeAdapter = Any


def test_decimals_that_are_not_the_chains_stop_the_start(
    evm_chain: DevChain, adapter_of: MakeAdapter
) -> None:  # F17
    token = evm_chain.asset("USDT").token_address
    assets = {"ETH": {"decimals": 18}, "USDT": {"contract": token, "decimals": 18}}
    with pytest.raises(WrongDecimals, match="USDT on evm has 6 decimals on the chain, but 18"):
        adapter_of(evm_chain, assets=assets).verify()


@pytest.mark.parametrize("where", ["nothing", "a contract that is no token"])
def test_a_listed_token_that_is_not_there_stops_the_start(
    evm_chain: DevChain, adapter_of: MakeAdapter, where: str
) -> None:
    factory = "0x4e59b44847b379578588920cA78FbF26c0B4956C"
    contract = factory if where != "nothing" else "0x" + "12" * 20
    assets = {"ETH": {"decimals": 18}, "DAI": {"contract": contract, "decimals": 18}}
    with pytest.raises(MissingToken, match=r"assets\.DAI"):
        adapter_of(evm_chain, assets=assets).verify()


def test_one_node_on_another_chain_stops_the_start_and_is_never_read(  # F42
    evm_chain: DevChain, bsc_chain: DevChain, adapter_of: MakeAdapter, ours: Any
) -> None:
    adapter = adapter_of(evm_chain, [bsc_chain.node.rpc_url, evm_chain.node.rpc_url])
    with pytest.raises(WrongChain, match="is on chain 31356, not 31337"):
        adapter.verify()
    assert adapter.head().latest.hash == evm_chain.node.block_hash(evm_chain.node.block_number())
    only = adapter_of(evm_chain, [bsc_chain.node.rpc_url])
    for call in (only.head, lambda: only.scan(None, 1, ours()), only.verify):
        with pytest.raises(WrongChain):
            call()


def test_a_node_that_cannot_be_reached_is_no_wrong_answer(
    evm_chain: DevChain, proxy: FaultProxy, adapter_of: MakeAdapter
) -> None:
    proxy.down = True
    with pytest.raises(NodeUnavailable):
        adapter_of(evm_chain, [proxy.url]).verify()
    adapter_of(evm_chain, [proxy.url, evm_chain.node.rpc_url]).verify()


def test_traces_that_are_required_but_not_to_be_had_stop_the_start(
    evm_chain: DevChain, proxy: FaultProxy, adapter_of: MakeAdapter
) -> None:
    refused = Answered(error={"code": -32601, "message": "the method does not exist"})
    proxy.on_call = lambda call: refused if "trace" in call["method"] else None
    with pytest.raises(UnusableTable, match="cannot trace"):
        adapter_of(evm_chain, [proxy.url], traces="on").verify()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"finality": "solid"}, "finality `solid` is TRON's"),
        (
            {"assets": {"ETH": {"decimals": 18}, "X": {"decimals": 6, "contract": "0x12"}}},
            "2 hexadecimal digits",
        ),
        (
            {
                "assets": {
                    "ETH": {"decimals": 18},
                    "X": {"decimals": 6, "contract": "0x" + "12" * 20},
                    "Y": {"decimals": 6, "contract": "0x" + "12" * 20},
                }
            },
            "listed twice",
        ),
        ({"chain_id": 0}, "chain_id"),
        ({"chain_idd": 5}, "chain_idd"),
    ],
)
def test_a_table_that_cannot_be_meant_stops_the_start(changes: dict[str, Any], sentence: str) -> None:
    table = {
        "family": "evm",
        "chain_id": 5,
        "rpc_urls": ["http://127.0.0.1:1"],
        "native": "ETH",
        "assets": {"ETH": {"decimals": 18}},
    }
    with pytest.raises(ConfigurationError, match=sentence):
        load_chains({"own": {**table, **changes}}, "own")
