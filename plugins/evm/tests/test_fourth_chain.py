"""A further EVM chain is configuration alone."""

from typing import Any

from cloudpay.chains.registry import load_chains
from cloudpay.chains.types import Finality, PaymentRequest
from cloudpay_devnet.networks import NetworkSpec, TokenSpec

ARBITRUM = NetworkSpec(
    "arbitrum", "evm", 42_161, "ETH", (TokenSpec("USDC", "USD Coin", 6),), slots_in_epoch=2
)


def test_a_fourth_chain_runs_by_its_table_alone(start_chain: Any, ours: Any) -> None:
    chain = start_chain(ARBITRUM)
    table = {
        "family": "evm",
        "name": "Arbitrum One",
        "chain_id": 42_161,
        "rpc_urls": [chain.node.rpc_url],
        "finality": "tag",
        "native": "ETH",
        "assets": {
            "ETH": {"decimals": 18},
            "USDC": {"contract": chain.asset("USDC").token_address, "decimals": 6},
        },
    }
    chains = load_chains({"arbitrum": table}, "arbitrum")
    network, adapter = chains.network("arbitrum"), chains.adapter("arbitrum")
    assert (network.family, network.key_family.name, network.name) == ("evm", "evm", "Arbitrum One")
    adapter.verify()
    start = adapter.head().latest.ref
    address = network.addresses.parse("0x" + "ab" * 20)
    assert "@42161?value=5" in network.addresses.payment_uri(PaymentRequest(address, None, 5, 18, "")).uri
    chain.pay("ETH", address, 5)
    chain.pay("USDC", address, 6)
    found = ours(address).transfers(adapter, start)
    assert [(each.contract, each.amount) for each in found] == [
        (None, 5),
        (chain.asset("USDC").token_address, 6),
    ]
    paid_in = found[-1].block
    assert adapter.head().final.height < paid_in.height
    chain.node.mine(chain.spec.confirmations)
    head = adapter.head()
    assert head.finality is Finality.TAG and head.final.height >= paid_in.height
    chains.close()
