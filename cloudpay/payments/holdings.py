"""What payers and others have brought to deposit addresses for good, address by address."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from cloudpay.kernel.among import among
from cloudpay.payments.models import OutsideTransferRow, PaymentRow
from cloudpay.payments.states import PaymentStatus


def brought(session: Session, network: str, addresses: Collection[str]) -> Mapping[tuple[str, str], int]:
    """Answer by address and asset what has come there and is booked, less what somebody moved away past us.

    Base units; below zero where more was taken away than is booked.
    """
    sums = defaultdict[tuple[str, str], int](int)
    if not addresses:
        return sums
    row, outside = PaymentRow, OutsideTransferRow
    paid = select(row.address, row.asset, row.amount).where(
        row.network == network, among(session, row.address, addresses), row.status == PaymentStatus.FINAL
    )
    for address, asset, amount in session.execute(paid):
        sums[address, asset] += amount
    moved = select(outside.address, outside.asset, outside.amount, outside.leaves).where(
        outside.network == network,
        among(session, outside.address, addresses),
        outside.at_deposit,
        outside.status == PaymentStatus.FINAL,
    )
    for address, asset, amount, leaves in session.execute(moved):
        sums[address, asset] += -amount if leaves else amount
    return sums


@dataclass(frozen=True)
class FinalPayment:
    """Where payments that are final have come to, and for which invoice."""

    network: str
    address: str
    asset: str
    deposit_address_id: str
    invoice_id: str


def final_payments(asked: Connection, payment_ids: Collection[str]) -> list[FinalPayment]:
    """Answer where those of these payments that are final have come to, each place once."""
    row = PaymentRow
    columns = select(row.network, row.address, row.asset, row.deposit_address_id, row.invoice_id).distinct()
    final = columns.where(row.id.in_(payment_ids), row.status == PaymentStatus.FINAL)
    return [
        FinalPayment(*found) for found in asked.execute(final.order_by(row.deposit_address_id, row.asset))
    ]
