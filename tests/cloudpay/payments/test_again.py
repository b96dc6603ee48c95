"""What is final is read a second time: what was left out is found, once, and whoever left it out is named."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cloudpay.alerts.service import AlertView, alert_views
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.adapter import Reading
from cloudpay.chains.types import Capability
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.invoices.views import InvoiceView
from cloudpay.kernel import failpoints
from cloudpay.kernel.failpoints import Failpoint
from cloudpay.kernel.leases import LeaseLost
from cloudpay.payments.models import NetworkRow
from cloudpay.payments.networks import pause, resume
from cloudpay.payments.watcher import Watcher
from cloudpay.testing import FixedClock
from cloudpay.testing.ledger import Move
from tests.cloudpay.shop import Shop

STEP = 4
_LATER = timedelta(minutes=3)


class _Killed(Exception):
    """The process ends here."""


@pytest.fixture
def shop(open_shop_with: Callable[..., Shop]) -> Iterator[Shop]:
    opened = open_shop_with("evm", second_reading_blocks=STEP)
    opened.chain.capabilities |= Capability.SECOND_READING
    yield opened
    failpoints.disarm()


def hide(shop: Shop) -> None:
    """Have what waits mined, and not told by the first node."""
    shop.chain.lie_empty_logs(noticed=False)
    shop.mine()
    shop.chain.come_back()


def reread(shop: Shop) -> int | None:
    with shop.gateway.db.read() as session:
        return session.get_one(NetworkRow, "evm").reread_height


def alerts(shop: Shop) -> list[AlertView]:
    return [each for each in alert_views(shop.gateway) if each.kind is AlertKind.NODE_LEFT_OUT_LOGS]


def restart(shop: Shop) -> None:
    """Begin anew with nothing in memory, as after a kill."""
    old = shop.watcher
    shop.watcher = Watcher(old.gateway, old.network, old.adapter, old.keeper)


def test_f37_what_the_first_reading_left_out_is_found_by_the_second_and_credited_once(shop: Shop) -> None:
    invoice = shop.ask()
    tx = shop.pay(invoice)
    hide(shop)
    shop.mine(STEP + 2)
    assert shop.state(invoice).payments == ()
    shop.look()
    paid = shop.state(invoice)
    assert (paid.status, paid.tx_hash, paid.exception) == (InvoiceStatus.PAID, tx, None)
    (alert,) = alerts(shop)
    assert alert.subject == "evm/fake node" and "fake node of evm left out logs" in alert.sentence
    assert shop.rescan(1, 5) == 1
    shop.mine()
    assert shop.held() == 10_000_000


def test_f45_a_payment_found_so_after_the_expiry_was_on_time_by_its_block(
    shop: Shop, clock: FixedClock
) -> None:
    invoice = shop.ask()
    shop.pay(invoice)
    hide(shop)
    clock.advance(timedelta(hours=2))
    shop.mine()
    assert shop.state(invoice).status is InvoiceStatus.EXPIRED
    shop.mine(STEP + 2)
    shop.look()
    paid = shop.state(invoice)
    assert (paid.status, paid.exception) == (InvoiceStatus.PAID, None)


def pay_by_two_of_which_the_second_alone_is_told(
    shop: Shop, invoice: InvoiceView, patches: pytest.MonkeyPatch
) -> None:
    address, asset = invoice.option.address, invoice.option.asset
    whole = shop.chain._transfers
    shop.chain.transact(*(Move(shop.chain.payer, address, each, asset) for each in (3_000_000, 7_000_000)))
    with patches.context() as patched:
        patched.setattr(
            shop.chain,
            "_transfers",
            lambda block: (each for each in whole(block) if each.amount != 3_000_000),
        )
        shop.mine()


def test_of_two_like_transfers_of_which_the_second_alone_was_told_the_other_is_credited(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = shop.ask()
    pay_by_two_of_which_the_second_alone_is_told(shop, invoice, monkeypatch)
    shop.mine(STEP + 2)
    assert shop.held() == 7_000_000
    shop.look()
    shop.mine()
    assert shop.held() == 10_000_000
    assert sorted(each.amount for each in shop.state(invoice).payments) == [3_000_000, 7_000_000]


def test_of_two_like_transfers_of_which_the_second_alone_was_told_a_rescan_finds_the_other_too(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = shop.ask()
    pay_by_two_of_which_the_second_alone_is_told(shop, invoice, monkeypatch)
    shop.rescan(1, 5)
    shop.mine(STEP + 2)
    shop.look()
    assert shop.held() == 10_000_000
    assert sorted(each.amount for each in shop.state(invoice).payments) == [3_000_000, 7_000_000]


def test_a_second_reading_that_tells_two_like_transfers_twice_credits_each_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = shop.ask()
    pay_by_two_of_which_the_second_alone_is_told(shop, invoice, monkeypatch)
    shop.mine(STEP + 2)
    once = shop.chain.read_again

    def twice(*asked: Any) -> Reading:
        told = once(*asked)
        return replace(told, transfers=told.transfers * 2)

    monkeypatch.setattr(shop.chain, "read_again", twice)
    shop.look()
    shop.mine()
    assert shop.held() == 10_000_000
    assert sorted(each.amount for each in shop.state(invoice).payments) == [3_000_000, 7_000_000]


@pytest.mark.parametrize(
    "place", [Failpoint.PAYMENT_OBSERVED, Failpoint.CREDIT_POSTED, Failpoint.TRANSACTION_COMMITTED]
)
def test_f37_a_kill_in_the_middle_of_it_loses_nothing_and_credits_once(shop: Shop, place: Failpoint) -> None:
    invoice = shop.ask()
    shop.pay(invoice)
    hide(shop)
    shop.mine(STEP + 2)
    before = reread(shop)

    def die() -> None:
        with shop.gateway.db.read() as session:
            row = session.get_one(NetworkRow, "evm")
            if place is not Failpoint.TRANSACTION_COMMITTED or row.reread_height != before:
                raise _Killed

    failpoints.arm(place, die, again=True)
    with pytest.raises(_Killed):
        shop.watcher.poll()
    failpoints.disarm()
    assert (reread(shop) == before) is (place is not Failpoint.TRANSACTION_COMMITTED)
    restart(shop)
    shop.look()
    shop.mine()
    assert shop.state(invoice).status is InvoiceStatus.PAID
    assert shop.held() == 10_000_000


def test_a_reorganisation_past_finality_takes_the_place_back_and_the_new_blocks_are_read_again(
    shop: Shop, clock: FixedClock
) -> None:
    shop.mine(2 * STEP)
    shop.look()
    place = reread(shop)
    assert place is not None and place > STEP
    clock.advance(_LATER)
    invoice = shop.ask()
    shop.pay(invoice)
    shop.chain.lie_empty_logs(noticed=False)
    shop.chain.reorg(STEP + 3)
    shop.look()
    shop.chain.come_back()
    taken_back = reread(shop)
    assert taken_back is not None and taken_back < place
    shop.mine(STEP)
    shop.look()
    assert reread(shop) == taken_back and shop.held() == 0  # paused: nothing is read, nothing is credited
    resume(shop.gateway, "evm")
    shop.verify()
    shop.mine(STEP + 2)
    shop.look()
    assert shop.state(invoice).status is InvoiceStatus.PAID
    assert shop.held() == 10_000_000


def test_blocks_of_another_fork_than_the_one_that_was_read_are_not_taken_in(
    shop: Shop, clock: FixedClock
) -> None:
    invoice = shop.ask()
    shop.pay(invoice)
    hide(shop)
    shop.mine(STEP + 2)
    head = shop.watcher.adapter.head()
    shop.chain.reorg(
        STEP + 3, longer=0
    )  # the second node is elsewhere; ours, which told the head, has not noticed
    again = shop.watcher._again
    before = reread(shop)
    again.turn(shop.watcher._lease, clock.moment, head, quiet=True)
    assert reread(shop) == before and shop.state(invoice).payments == ()


def test_a_second_reading_that_leaves_out_what_is_known_proves_nothing_and_is_named(
    shop: Shop, clock: FixedClock
) -> None:
    invoice = shop.ask()
    shop.pay(invoice)
    shop.mine(STEP + 2)
    before = reread(shop)
    shop.chain.lies_again = True
    shop.look()
    assert reread(shop) == before
    assert [each.subject for each in alerts(shop)] == ["evm/second node"]
    shop.chain.lies_again = False
    shop.look()
    assert reread(shop) == before  # not at once: nodes are left alone for a while
    clock.advance(_LATER)
    shop.mine()
    shop.look()
    assert (reread(shop) or 0) > STEP
    assert shop.held() == 10_000_000


def test_it_waits_for_its_blocks_for_its_time_and_for_a_quiet_poll(shop: Shop, clock: FixedClock) -> None:
    shop.mine(2 * STEP)
    assert reread(shop) is None
    shop.look()
    first = reread(shop)
    assert first == 2 * STEP - 1
    shop.mine(2 * STEP)
    shop.look()
    assert reread(shop) == first
    clock.advance(_LATER)
    shop.look()
    second = reread(shop)
    assert second == first + 2 * STEP
    clock.advance(_LATER)
    shop.mine(STEP - 1)
    shop.look()
    assert reread(shop) == second


def test_it_is_read_in_pieces_also_where_no_poll_is_ever_quiet(shop: Shop) -> None:
    shop.mine(250)
    assert reread(shop) == 100
    shop.look()
    assert reread(shop) == 200


def test_it_rests_with_the_network_and_is_fenced(shop: Shop, clock: FixedClock) -> None:
    shop.mine(STEP + 2)
    before = reread(shop)
    pause(shop.gateway, "evm", "a test")
    shop.look()
    assert reread(shop) == before
    resume(shop.gateway, "evm")
    shop.verify()

    lost = replace(shop.watcher._lease(), token=10_000)
    head = shop.watcher.adapter.head()
    with pytest.raises(LeaseLost):
        shop.watcher._again.turn(lambda: lost, clock.moment, head, quiet=True)
    assert reread(shop) == before


def test_zero_is_never(open_shop_with: Callable[..., Shop]) -> None:
    shop = open_shop_with("evm", second_reading_blocks=0)
    shop.chain.capabilities |= Capability.SECOND_READING
    shop.mine(300)
    shop.look()
    assert reread(shop) is None
