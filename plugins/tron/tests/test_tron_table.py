"""A table of one's own with `family = "tron"` has defaults that fit TRON."""

from typing import cast

from cloudpay.chains.registry import load_chains
from cloudpay.kernel.money import parse_amount
from cloudpay_tron.networks import NETWORKS
from cloudpay_tron.settings import TronSettings

_TABLE = {
    "family": "tron",
    "rpc_urls": ["http://127.0.0.1:9"],
    "genesis": "0" * 64,
    "finality": "solid",
    "native": "TRX",
    "assets": {"TRX": {"decimals": 6}},
}


def test_the_fee_cap_of_a_table_of_ones_own_leaves_room_for_a_token_at_the_dearest_energy() -> None:
    settings = cast("TronSettings", load_chains({"mine": _TABLE}, "mine").network("mine").settings)
    most = settings.token_energy * (100 + settings.energy_margin_percent) // 100 * settings.max_energy_sun
    assert most < parse_amount(settings.fee_cap, 6) <= 10 * most


def test_the_shipped_tables_have_the_familys_fee_cap() -> None:
    chains = load_chains({code: {} for code in NETWORKS}, "tron")
    assert {each.settings.fee_cap for each in chains} == {"100"}


def test_a_fee_cap_that_the_table_sets_is_kept() -> None:
    assert load_chains({"mine": {**_TABLE, "fee_cap": "7"}}, "mine").network("mine").settings.fee_cap == "7"
