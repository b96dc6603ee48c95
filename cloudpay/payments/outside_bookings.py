"""What moved past the gateway is booked when it is final, and booked back when a deep reorganisation takes it away."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import Head
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.ledger.outgoing import Funding, post_funding, post_funding_reversed
from cloudpay.ledger.outside import Moved, post_moved, post_moved_reversed
from cloudpay.ledger.types import AccountKind
from cloudpay.payments.models import OutsideTransferRow
from cloudpay.payments.opinions import Confirmed, sure_enough
from cloudpay.payments.states import PAYMENT, PaymentStatus


def settle_outside(
    session: Session, gateway: Gateway, network: Network, head: Head, confirmed: Confirmed
) -> None:
    """Book all that this head makes final; a large amount that came in waits for a second node, as payments do."""
    row = OutsideTransferRow
    waiting = session.scalars(
        select(row)
        .where(
            row.network == network.code,
            row.status == PaymentStatus.CONFIRMING,
            row.block_height <= head.final.height,
        )
        .order_by(row.block_height, row.id)
    ).all()
    for each in waiting:
        if not each.leaves and not sure_enough(network, each, each.amount, head, confirmed):
            continue
        each.status = PAYMENT.check(PaymentStatus(each.status), PaymentStatus.FINAL)
        each.final_at = gateway.clock.now(session)
        each.credits += 1
        if each.at_deposit:
            post_moved(session, _moved(each), each.final_at)
        else:
            post_funding(session, _funding(each), each.final_at)
        passing(Failpoint.OUTSIDE_BOOKED)


def orphan_outside_above(session: Session, gateway: Gateway, network: str, height: int, below: int) -> None:
    """Take back what stood in blocks that left the chain."""
    row = OutsideTransferRow
    affected = session.scalars(
        select(row).where(
            row.network == network,
            row.block_height > height,
            row.block_height < below,
            row.status.in_([PaymentStatus.CONFIRMING, PaymentStatus.FINAL]),
        )
    ).all()
    for each in affected:
        was = PaymentStatus(each.status)
        each.status = PAYMENT.check(was, PaymentStatus.ORPHANED)
        each.final_at = None
        if was is PaymentStatus.FINAL:
            _reverse(session, each, gateway.clock.now(session))


def _reverse(session: Session, row: OutsideTransferRow, now: datetime) -> None:
    if row.at_deposit:
        post_moved_reversed(session, _moved(row), now)
    else:
        post_funding_reversed(session, _funding(row), now)


def _funding(row: OutsideTransferRow) -> Funding:
    return Funding(
        network=row.network,
        tx_id=row.tx_id,
        address=row.address,
        asset=row.asset,
        ordinal=row.ordinal,
        merchant_id=row.merchant_id,
        livemode=row.livemode,
        amount=row.amount,
        count=row.credits,
        leaves=row.leaves,
        purse=AccountKind.GAS if row.at_gas_wallet else AccountKind.MASTER,
    )


def _moved(row: OutsideTransferRow) -> Moved:
    return Moved(
        transfer_id=row.id,
        count=row.credits,
        merchant_id=row.merchant_id,
        livemode=row.livemode,
        network=row.network,
        asset=row.asset,
        amount=row.amount,
        leaves=row.leaves,
    )
