from cloudpay.invoices.states import InvoiceException, InvoiceStatus
from cloudpay.payments.states import PaymentStatus


def test_a_payment_goes_from_pending_over_confirming_to_paid(shop):
    invoice = shop.ask("10.00")
    tx = shop.pay(invoice)
    shop.look()
    assert shop.state(invoice).status is InvoiceStatus.PENDING
    shop.mine()
    seen = shop.state(invoice)
    assert seen.status is InvoiceStatus.CONFIRMING
    assert [(each.tx_hash, each.confirmations) for each in seen.payments] == [(tx, 1)]
    shop.mine(11)
    paid = shop.state(invoice)
    assert (paid.status, paid.exception, paid.tx_hash) == (InvoiceStatus.PAID, None, tx)
    assert paid.payments[0].status is PaymentStatus.FINAL
    assert paid.option.shown(paid.option.confirmed) == "10.00"


def test_a_reorged_payment_is_credited_once(shop):
    invoice = shop.ask()
    shop.pay(invoice)
    shop.mine(5)
    shop.chain.reorg(5)
    shop.look()
    assert shop.state(invoice).status is InvoiceStatus.CONFIRMING
    assert len(shop.state(invoice).payments) == 1
    shop.mine(20)
    paid = shop.state(invoice)
    assert paid.status is InvoiceStatus.PAID
    assert paid.option.confirmed == paid.option.amount


def test_a_payment_that_a_reorg_drops_is_taken_back(shop):
    invoice = shop.ask()
    tx = shop.pay(invoice)
    shop.mine(3)
    shop.chain.reorg(3, drop=[tx])
    shop.look()
    gone = shop.state(invoice)
    assert (gone.status, gone.payments) == (InvoiceStatus.PENDING, ())


def test_partial_payments_add_up(shop):
    invoice = shop.ask("10")
    shop.pay(invoice, 4_000_000)
    shop.mine(1)
    assert shop.state(invoice).exception is InvoiceException.UNDERPAID
    shop.pay(invoice, 6_000_000)
    shop.mine(20)
    assert (shop.state(invoice).status, shop.state(invoice).exception) == (InvoiceStatus.PAID, None)
