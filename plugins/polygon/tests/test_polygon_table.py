"""The shipped table of Polygon."""

from cloudpay.chains.registry import load_chains
from cloudpay.chains.types import Finality
from cloudpay.kernel.money import parse_amount
from cloudpay_evm.fees import gwei
from cloudpay_evm.settings import EvmSettings


def test_polygon_needs_no_more_than_its_name() -> None:
    network = load_chains({"polygon": {}}, "polygon").network("Polygon")
    assert (network.family, network.key_family.name, network.live) == ("evm", "evm", True)
    assert network.native.symbol == "POL" and network.settings.finality is Finality.TAG
    assert len(network.settings.rpc_urls) >= 3


def test_tokens_have_the_decimals_of_their_issuers() -> None:  # F17
    network = load_chains({"polygon": {}}, "polygon").network("polygon")
    decimals = {asset.symbol: asset.decimals for asset in network.assets}
    assert decimals == {"POL": 18, "USDT": 6, "USDC": 6, "DAI": 18, "WBTC": 8}


def test_usdc_is_circles_own_and_not_the_bridged_one() -> None:
    network = load_chains({"polygon": {}}, "polygon").network("polygon")
    assert network.asset("USDC").contract == "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359"


def test_the_test_net_is_not_live() -> None:
    assert not load_chains({"polygon-amoy": {}}, "polygon-amoy").network("polygon-amoy").live


def test_no_tip_is_offered_that_polygons_nodes_would_turn_away() -> None:
    for code in ("polygon", "polygon-amoy"):
        settings = load_chains({code: {}}, code).network(code).settings
        assert isinstance(settings, EvmSettings) and gwei(settings.min_tip_gwei) >= 25 * 10**9


def test_the_fee_cap_leaves_room_for_a_token_at_the_dearest_gas_that_is_offered() -> None:
    settings = load_chains({"polygon": {}}, "polygon").network("polygon").settings
    assert isinstance(settings, EvmSettings)
    dearest = 100_000 * gwei(settings.max_fee_gwei)
    assert 2 * dearest <= parse_amount(settings.fee_cap, 18) <= 10 * dearest
