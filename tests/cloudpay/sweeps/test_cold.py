"""Surplus of a master wallet goes on to the cold address: what is above the ceiling, and worth its fee."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from cloudpay.alerts.states import AlertKind
from cloudpay.chains.registry import load_chains
from cloudpay.chains.spending import FeeTier
from cloudpay.kernel.errors import CloudPayError, ConfigurationError
from cloudpay.kernel.failpoints import Failpoint
from cloudpay.ledger.types import AccountKind
from cloudpay.sweeps.cold import ColdAddressIsOurs, collect_surplus
from cloudpay.sweeps.manual import sweep_now
from cloudpay.testing import FakePlugin, fake_address
from cloudpay.wallets.masters import master_wallet
from tests.cloudpay.sweeps.collector import Collector
from tests.cloudpay.transactions.kills import Killed, kill_at

COLD = fake_address("the cold wallet")
FEE = 10  # of the lowest tier; a token's is three times that


def opened(open_collector: Callable[..., Collector], **assets: dict[str, str]) -> Collector:
    return open_collector(cold_address=COLD, assets=assets)


def test_what_is_above_the_ceiling_goes_on_and_the_ceiling_stays(
    open_collector: Callable[..., Collector],
) -> None:
    collector = opened(open_collector, USDT={"cold_above": "4"})
    collector.fund_master(10_000_000, "USDT")
    collector.go_on()
    assert collector.stand() == [("cold", "confirmed")]
    usdt = collector.network.asset("USDT")
    assert collector.chain.spendable(COLD, usdt.contract) == 6_000_000
    books = collector.booked("USDT")
    assert (books[AccountKind.MASTER], books[AccountKind.COLD]) == (4_000_000, 6_000_000)
    assert collector.booked("ETH")[AccountKind.FEES] == 3 * FEE
    assert collector.agree()
    collector.go_on(2, after=60)
    assert collector.stand() == [("cold", "confirmed")]


def test_native_surplus_leaves_its_own_fee_beside_the_ceiling(
    open_collector: Callable[..., Collector],
) -> None:
    collector = opened(
        open_collector, ETH={"cold_above": "0.0000000000000006"}
    )  # 600 base units of a million
    collector.go_on()
    assert collector.stand() == [("cold", "confirmed")]
    assert collector.booked("ETH")[AccountKind.MASTER] == 600
    assert collector.chain.spendable(COLD) == 10**6 - 600 - FEE
    assert collector.agree()


def test_what_is_promised_to_payouts_is_no_surplus(open_collector: Callable[..., Collector]) -> None:
    collector = opened(open_collector, USDT={"cold_above": "0"})
    collector.fund_master(10_000_000, "USDT")
    collector.turn(after=5)
    assert collector.booked("USDT")[AccountKind.RESERVED] == 10_000_000
    collector.turn(after=5)
    assert len(collector.spends()) == 1


@pytest.mark.parametrize("place", [Failpoint.COLD_REQUESTED, Failpoint.COLD_COMMITTED])
def test_f110_killed_while_surplus_is_sent_on_it_goes_once(
    open_collector: Callable[..., Collector], place: Failpoint
) -> None:
    collector = opened(open_collector, USDT={"cold_above": "4"})
    collector.fund_master(10_000_000, "USDT")
    kill_at(place)
    with pytest.raises(Killed):
        collector.go_on(2)
    collector.restart()
    collector.go_on()
    assert collector.stand() == [("cold", "confirmed")]
    assert collector.agree()


def test_an_address_of_our_own_is_not_cold(open_collector: Callable[..., Collector]) -> None:
    plain = open_collector()
    collector = opened(open_collector)
    assert collector.network.cold_address == COLD
    warm = open_collector(
        cold_address=master_wallet(plain.gateway, plain.network, plain.shop.principal.merchant_id).address,
        assets={"ETH": {"cold_above": "0"}},
    )
    warm.go_on(2)
    assert warm.stand() == []
    assert AlertKind.COLD_ADDRESS_OURS in warm.alerts()
    with pytest.raises(ColdAddressIsOurs, match="of this gateway itself"):
        sweep_now(warm.gateway, warm.network, dry_run=True)


def test_what_is_sent_on_costs_no_more_than_its_share_when_it_is_signed(
    open_collector: Callable[..., Collector],
) -> None:
    """The fee may have risen since it was planned."""
    collector = opened(open_collector, USDT={"cold_above": "4"})
    collector.fund_master(10**16)
    collector.fund_master(10_000_000, "USDT")
    while not collector.spends():
        collector.clock.advance(timedelta(seconds=5))
        collector.sender.work(look=True)
        collect_surplus(collector.gateway)
    collector.chain.prices = dict.fromkeys(FeeTier, 10**14)  # 5 % of 6 USDT are 1.2 * 10**14
    collector.turn(after=5)
    assert collector.stand() == [("cold", "queued")]
    assert collector.chain.spendable(COLD, collector.network.asset("USDT").contract) == 0
    collector.chain.prices = dict.fromkeys(FeeTier, 10**13)
    collector.go_on(after=5)
    assert collector.stand() == [("cold", "confirmed")]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"cold_address": "nonsense"}, "cold_address"),
        ({"cold_address": "USDT"}, "own contract"),
        ({"assets": {"ETH": {"cold_above": "1"}}}, "no cold_address"),
        ({"assets": {"ETH": {"sweep_minimum": "-1"}}}, "plain decimal"),
    ],
)
def test_settings_that_would_lose_money_stop_the_start(
    fakes: FakePlugin, table: dict[str, object], says: str
) -> None:
    if table.get("cold_address") == "USDT":
        table = {"cold_address": fakes.contract("evm", "USDT")}
    full = {"evm": {"live": False, **table}}
    if "assets" in table:
        native = {"decimals": 18, "contract": None}
        full["evm"]["assets"] = {"ETH": native | table["assets"]["ETH"]}  # type: ignore[index]  # a plain table
    with pytest.raises(CloudPayError, match=says) as refused:
        load_chains(full, "evm", ("fake", fakes))
    assert says == "plain decimal" or isinstance(refused.value, ConfigurationError)
