"""Payment rows: how a new one begins, and how a changed one is told of."""

from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.kernel.ids import new_id
from cloudpay.outbox.service import append
from cloudpay.payments.models import PaymentRow
from cloudpay.wallets.service import DepositAddress

CHANGED = "payment.changed"
REVERSED = "payment.reversed"


def new_payment(session: Session, gateway: Gateway, network: Network, deposit: DepositAddress) -> PaymentRow:
    """Begin a payment to a deposit address, seen now; what was sent, and in which block, is the caller's to fill in."""
    return PaymentRow(
        id=new_id("pay_"),
        merchant_id=deposit.merchant_id,
        livemode=deposit.livemode,
        invoice_id=deposit.invoice_id,
        deposit_address_id=deposit.id,
        network=network.code,
        address=deposit.address,
        first_seen_at=gateway.clock.now(session),
        credits=0,
    )


def announce(session: Session, gateway: Gateway, row: PaymentRow, name: str = CHANGED) -> None:
    """Tell the other capabilities, in this transaction, that a payment changed: once, however often it did."""
    told: set[tuple[str, str]] = session.info.setdefault("payments_told", set())
    if (name, row.id) not in told:
        told.add((name, row.id))
        append(session, gateway.clock, name, row.id, {"invoice_id": row.invoice_id})
