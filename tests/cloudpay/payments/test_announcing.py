"""How often other capabilities are told of a payment."""

from sqlalchemy import select

from cloudpay.outbox.models import OutboxRow
from tests.cloudpay.shop import Shop


def test_a_payment_that_is_read_and_credited_at_once_is_told_of_once(shop: Shop) -> None:
    invoice = shop.ask()
    tx_id = shop.pay(invoice)
    shop.chain.mine(5)
    shop.look()
    [payment] = shop.state(invoice).payments
    with shop.gateway.db.read() as session:
        told = session.scalars(select(OutboxRow.name).where(OutboxRow.subject == payment.id)).all()
    assert (payment.tx_hash, told) == (tx_id, ["payment.changed"])
