"""A look at a balance that cannot be written down holds up its own address, and nothing else."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from cloudpay.alerts.service import alert_views
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.types import Capability
from cloudpay.invoices.states import InvoiceException, InvoiceStatus
from cloudpay.payments import inferred
from cloudpay.testing import FixedClock
from tests.cloudpay.payments.looping import view
from tests.cloudpay.shop import Shop

ETHER = 10**18
Break = Callable[[str], Callable[[], None]]


@pytest.fixture
def blind(shop: Shop) -> Shop:
    """The shop on a node that shows no traces, with some blocks."""
    shop.chain.capabilities = Capability.TOKENS | Capability.HISTORY
    shop.mine(5)
    return shop


@pytest.fixture
def break_down(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Have what is found at an address fail to be written down, until the answer is called."""
    real = inferred._infer

    def broken(address: str) -> Callable[[], None]:
        def infer(session: object, gateway: object, network: object, deposit: object, *rest: object) -> None:
            if getattr(deposit, "address", "") == address:
                raise RuntimeError("a rule that nobody thought of")
            real(session, gateway, network, deposit, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(inferred, "_infer", infer)
        return lambda: monkeypatch.setattr(inferred, "_infer", real)

    return broken


def failing(shop: Shop) -> list[str]:
    views = alert_views(shop.gateway)
    return [each.subject for each in views if each.kind is AlertKind.BALANCE_LOOK_FAILING]


def test_a_look_that_fails_for_one_address_ends_no_poll_and_holds_up_no_other(
    blind: Shop, break_down: Break, clock: FixedClock
) -> None:
    bad, good, empty = (blind.ask("1", "ETH") for _ in range(3))
    token = blind.ask("10")
    break_down(bad.option.address)
    for each in (bad, good):
        blind.chain.send(each.option.address, ETHER, via_contract=True)
    blind.pay(token)
    blind.mine()
    blind.mine(3)
    assert {blind.state(each).status for each in (good, token)} == {InvoiceStatus.PAID}
    assert blind.state(bad).payments == ()
    assert failing(blind) == [f"evm/{bad.option.address}"]
    clock.advance(timedelta(minutes=61))
    blind.mine()
    assert blind.state(empty).status is InvoiceStatus.EXPIRED
    assert view(blind.gateway).lag == 0


def test_an_invoice_whose_look_fails_is_not_expired_as_unpaid_until_it_succeeds(
    blind: Shop, break_down: Break, clock: FixedClock
) -> None:
    invoice = blind.ask("1", "ETH")
    mend = break_down(invoice.option.address)
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.mine()
    in_time = blind.chain.height
    clock.advance(timedelta(days=9))
    for _ in range(3):
        blind.mine()
        clock.advance(timedelta(minutes=1))
    assert blind.state(invoice).status is InvoiceStatus.PENDING
    mend()
    blind.mine()
    [payment] = blind.state(invoice).payments
    assert (payment.block_height, payment.amount) == (in_time, ETHER)
    blind.mine(3)
    paid = blind.state(invoice)
    assert (paid.status, paid.exception) == (InvoiceStatus.PAID, None)
    assert failing(blind) == []


def test_what_another_payment_says_of_it_expires_no_invoice_whose_look_fails(
    blind: Shop, break_down: Break, clock: FixedClock
) -> None:
    invoice = blind.ask("1", "ETH")
    break_down(invoice.option.address)
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.mine()
    blind.chain.send(invoice.option.address, 1)
    clock.advance(timedelta(minutes=61))
    blind.mine()
    blind.mine(3)
    found = blind.state(invoice)
    assert (found.status, len(found.payments)) == (InvoiceStatus.PENDING, 1)


def test_an_invoice_that_got_nothing_expires_when_its_look_succeeds_again(
    blind: Shop, break_down: Break, clock: FixedClock
) -> None:
    invoice = blind.ask("1", "ETH")
    mend = break_down(invoice.option.address)
    clock.advance(timedelta(minutes=61))
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.mine()
    assert blind.state(invoice).status is InvoiceStatus.PENDING
    mend()
    blind.mine()
    late = blind.state(invoice)
    assert (late.status, late.exception) == (InvoiceStatus.EXPIRED, InvoiceException.LATE)


def test_an_address_whose_look_failed_is_looked_at_until_it_succeeds_although_nodes_trace_again(
    blind: Shop, break_down: Break, clock: FixedClock
) -> None:
    invoice = blind.ask("1", "ETH")
    mend = break_down(invoice.option.address)
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.mine()
    blind.chain.capabilities |= Capability.TRACES
    for _ in range(3):
        clock.advance(timedelta(minutes=11))
        blind.mine()
    clock.advance(timedelta(days=9))
    blind.mine()
    assert failing(blind) == [f"evm/{invoice.option.address}"]
    mend()
    blind.mine()
    assert [each.amount for each in blind.state(invoice).payments] == [ETHER]
    blind.mine(2)
    assert failing(blind) == []


def test_addresses_whose_looks_fail_take_nobody_s_turn(
    blind: Shop, break_down: Break, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = blind.ask("1", "ETH")
    break_down(bad.option.address)
    blind.chain.send(bad.option.address, ETHER, via_contract=True)
    blind.mine()
    monkeypatch.setattr("cloudpay.payments.balances.BUDGET", 1)
    clock.advance(timedelta(minutes=1))
    others = [blind.ask("1", "ETH") for _ in range(3)]
    clock.advance(timedelta(minutes=61))
    for _ in range(6):
        blind.mine()
        clock.advance(timedelta(seconds=12))
    assert [blind.state(each).status for each in others] == [InvoiceStatus.EXPIRED] * 3
