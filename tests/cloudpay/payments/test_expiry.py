from datetime import timedelta

from cloudpay.invoices.states import InvoiceException, InvoiceStatus
from cloudpay.testing import FixedClock
from tests.cloudpay.shop import Shop

HOUR = timedelta(minutes=60)


def test_an_unpaid_invoice_expires_when_a_later_poll_found_nothing(shop: Shop, clock: FixedClock) -> None:
    invoice = shop.ask()
    clock.advance(HOUR + timedelta(seconds=1))
    shop.settle()
    assert shop.state(invoice).status is InvoiceStatus.PENDING  # nobody has looked since
    shop.mine()
    assert shop.state(invoice).status is InvoiceStatus.EXPIRED


def test_a_payment_seen_in_time_is_paid_although_it_is_final_only_later(
    shop: Shop, clock: FixedClock
) -> None:
    invoice = shop.ask()
    shop.pay(invoice)
    clock.advance(HOUR)
    shop.mine()
    clock.advance(HOUR)
    shop.mine()
    assert shop.state(invoice).status is InvoiceStatus.CONFIRMING
    shop.mine(3)
    assert (shop.state(invoice).status, shop.state(invoice).exception) == (InvoiceStatus.PAID, None)


def test_f45_a_payment_made_in_time_but_found_after_days_offline_is_paid(
    shop: Shop, clock: FixedClock
) -> None:
    invoice = shop.ask()
    shop.pay(invoice)
    shop.chain.mine()
    clock.advance(timedelta(days=3))
    shop.chain.mine(50)
    shop.look()
    assert shop.state(invoice).status is InvoiceStatus.PAID


def test_f22_a_late_payment_is_kept_and_shown_and_does_not_pay(shop: Shop, clock: FixedClock) -> None:
    invoice = shop.ask()
    clock.advance(2 * HOUR)
    shop.mine()
    shop.pay(invoice)
    shop.mine(5)
    late = shop.state(invoice)
    assert (late.status, late.exception) == (InvoiceStatus.EXPIRED, InvoiceException.LATE)
    assert late.option.confirmed == late.option.amount


def test_f22_an_underpaid_invoice_expires_underpaid(shop: Shop, clock: FixedClock) -> None:
    invoice = shop.ask("10")
    shop.pay(invoice, 9_999_999)
    shop.mine(5)
    clock.advance(2 * HOUR)
    shop.mine()
    under = shop.state(invoice)
    assert (under.status, under.exception) == (InvoiceStatus.EXPIRED, InvoiceException.UNDERPAID)


def test_f22_an_overpaid_invoice_is_paid_and_says_so(shop: Shop) -> None:
    invoice = shop.ask("10")
    shop.pay(invoice, 10_000_001)
    shop.mine(5)
    over = shop.state(invoice)
    assert (over.status, over.exception) == (InvoiceStatus.PAID, InvoiceException.OVERPAID)


def test_f22_the_wrong_asset_is_kept_and_named_and_does_not_pay(shop: Shop) -> None:
    invoice = shop.ask("10", "USDT")
    shop.chain.send(invoice.option.address, 10**19, None)
    shop.mine(5)
    wrong = shop.state(invoice)
    assert wrong.status is InvoiceStatus.PENDING
    assert len(wrong.payments) == 1
    assert "another asset" in wrong.warnings[0]


def test_f1_an_unlisted_token_is_ignored(shop: Shop) -> None:
    invoice = shop.ask("10", "USDT")
    shop.chain.fund(shop.chain.payer, 10**9, "fake-usdt")
    shop.chain.send(invoice.option.address, 10_000_000, "fake-usdt")
    shop.mine(5)
    assert shop.state(invoice).payments == ()


def test_f18_the_greatest_amounts_are_credited_however_many_come(shop: Shop) -> None:
    invoice = shop.ask("10")
    for _ in range(11):  # ten of them have more digits than any one amount
        shop.pay(invoice, 2**256 - 1)
    shop.mine(5)
    assert shop.state(invoice).status is InvoiceStatus.PAID
    assert shop.state(invoice).option.confirmed == 11 * (2**256 - 1)
    assert shop.held() == 11 * (2**256 - 1)
