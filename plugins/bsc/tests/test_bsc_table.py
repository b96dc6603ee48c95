"""The shipped table of BSC."""

from cloudpay.chains.registry import load_chains
from cloudpay.chains.types import Finality
from cloudpay.kernel.money import parse_amount
from cloudpay_evm.fees import gwei
from cloudpay_evm.settings import EvmSettings


def test_bsc_needs_no_more_than_its_name() -> None:
    network = load_chains({"bsc": {}}, "bsc").network("BSC")
    assert (network.family, network.key_family.name, network.live) == ("evm", "evm", True)
    assert network.native.symbol == "BNB" and network.settings.finality is Finality.TAG
    assert len(network.settings.rpc_urls) >= 3


def test_pegged_tokens_have_eighteen_decimals_on_bsc() -> None:  # F17
    for code in ("bsc", "bsc-testnet"):
        network = load_chains({code: {}}, code).network(code)
        assert {asset.decimals for asset in network.assets} == {18}
        assert {"USDT", "USDC", "DAI", "BTCB"} <= {asset.symbol for asset in network.assets}


def test_bitcoin_without_a_network_is_the_pegged_one_where_bsc_is_the_default() -> None:
    assert load_chains({"bsc": {}}, "bsc").find_asset("BTC", None).symbol == "BTCB"


def test_the_test_net_is_not_live() -> None:
    assert not load_chains({"bsc-testnet": {}}, "bsc-testnet").network("bsc-testnet").live


def test_no_price_is_offered_that_bscs_nodes_would_turn_away() -> None:
    for code, least in (("bsc", 5 * 10**7), ("bsc-testnet", 10**8)):
        settings = load_chains({code: {}}, code).network(code).settings
        assert isinstance(settings, EvmSettings) and gwei(settings.min_tip_gwei) >= least


def test_the_fee_cap_leaves_room_for_a_token_at_the_dearest_gas_that_is_offered() -> None:
    settings = load_chains({"bsc": {}}, "bsc").network("bsc").settings
    assert isinstance(settings, EvmSettings)
    dearest = 100_000 * gwei(settings.max_fee_gwei)
    assert 2 * dearest <= parse_amount(settings.fee_cap, 18) <= 10 * dearest
