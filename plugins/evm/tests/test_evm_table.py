"""The shipped tables of Ethereum, and what a user's own table does to them."""

from cloudpay.chains.registry import load_chains
from cloudpay.chains.types import Finality


def test_ethereum_needs_no_more_than_its_name() -> None:
    network = load_chains({"evm": {}}, "evm").network("evm")
    assert (network.name, network.live, network.settings.finality) == ("Ethereum", True, Finality.TAG)
    decimals = {asset.symbol: asset.decimals for asset in network.assets}
    assert decimals == {"ETH": 18, "USDT": 6, "USDC": 6, "DAI": 18, "WBTC": 8}
    assert len(network.settings.rpc_urls) >= 3


def test_bitcoin_without_a_network_is_the_wrapped_one() -> None:
    assert load_chains({"evm": {}}, "evm").find_asset("BTC", None).symbol == "WBTC"


def test_a_users_own_nodes_and_tokens_are_laid_over_the_shipped_ones() -> None:
    token = {"contract": "0x" + "12" * 20, "decimals": 2}
    table = {"rpc_urls": ["http://127.0.0.1:8545"], "assets": {"GIFT": token}}
    network = load_chains({"evm": table}, "evm").network("evm")
    assert network.settings.rpc_urls == ("http://127.0.0.1:8545",)
    assert {asset.symbol for asset in network.assets} >= {"ETH", "USDT", "GIFT"}


def test_a_table_with_a_family_is_the_users_own_whatever_its_code() -> None:
    table = {
        "family": "evm",
        "chain_id": 31_337,
        "rpc_urls": ["http://127.0.0.1:8545"],
        "native": "ETH",
        "assets": {"ETH": {"decimals": 18}},
    }
    network = load_chains({"evm": table}, "evm").network("evm")
    assert [asset.symbol for asset in network.assets] == ["ETH"]


def test_the_test_net_is_not_live_and_lists_only_what_an_issuer_keeps_there() -> None:
    network = load_chains({"sepolia": {}}, "sepolia").network("sepolia")
    assert not network.live and [asset.symbol for asset in network.assets] == ["ETH", "USDC"]
