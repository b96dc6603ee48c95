"""When a payment is final it is credited; when a deep reorganisation takes it back, the credit is reversed."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import Head
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.log import get_logger
from cloudpay.ledger.payments import Receipt, post_receipt, post_reversal
from cloudpay.payments import blocks
from cloudpay.payments.arrivals import NOTHING_ASKED, Arrived, hold_to_balance
from cloudpay.payments.large import received
from cloudpay.payments.models import NetworkRow, PaymentRow
from cloudpay.payments.opinions import NOT_ASKED, Confirmed, sure_enough
from cloudpay.payments.outside_bookings import orphan_outside_above, settle_outside
from cloudpay.payments.own import forget_own_above
from cloudpay.payments.rows import REVERSED, announce
from cloudpay.payments.states import PAYMENT, PaymentStatus

NO_BLOCK = 2**62
"""Above every block."""

log = get_logger(__name__)


def settle(
    session: Session,
    gateway: Gateway,
    network: Network,
    row: NetworkRow,
    head: Head,
    arrived: Arrived = NOTHING_ASKED,
    confirmed: Confirmed = NOT_ASKED,
) -> None:
    """Credit every payment that this head makes final; nothing when its final block is not the one that we read.

    A final block that we have not come to yet may be on another fork than what we read: crediting waits for it.
    `arrived` holds balances at that block, for the tokens whose payments are credited up to their balance alone.
    What is large, by all that its invoice has received, waits until a second node has `confirmed` its block.
    """
    if head.final.height > (row.cursor_height or 0):
        return
    known = blocks.hash_at(session, network.code, head.final.height)
    if known is not None and known != head.final.hash:
        log.warning("final_block_disputed", network=network.code, height=head.final.height, node=head.node)
        return
    if row.final_height is None or head.final.height > row.final_height:
        row.final_height, row.final_moved_at = head.final.height, gateway.clock.now(session)
    if arrived.height < row.final_height:
        arrived = NOTHING_ASKED  # of a node that is behind: younger credits would be taken for a part of its balances
    candidates = session.scalars(
        select(PaymentRow)
        .where(
            PaymentRow.network == network.code,
            PaymentRow.status == PaymentStatus.CONFIRMING,
            PaymentRow.block_height <= head.final.height,
        )
        .order_by(PaymentRow.block_height, PaymentRow.id)
    ).all()
    sums = received(session, network, {payment.address for payment in candidates})
    for payment in candidates:
        if not sure_enough(network, payment, sums[payment.address, payment.asset], head, confirmed):
            continue
        asset = network.asset_of(payment.asset)
        if asset is None or not asset.verify_balance or hold_to_balance(session, gateway, payment, arrived):
            credit(session, gateway, payment)
    settle_outside(session, gateway, network, head, confirmed)


def credit(session: Session, gateway: Gateway, payment: PaymentRow) -> None:
    """Make a payment final, and book it."""
    payment.status = PAYMENT.check(PaymentStatus(payment.status), PaymentStatus.FINAL)
    payment.final_at = gateway.clock.now(session)
    payment.credits += 1
    post_receipt(session, _receipt(payment), payment.final_at)
    passing(Failpoint.CREDIT_POSTED)
    announce(session, gateway, payment)
    passing(Failpoint.CREDIT_ANNOUNCED)


def orphan_above(
    session: Session, gateway: Gateway, network: str, height: int, *, below: int = NO_BLOCK
) -> list[str]:
    """Take back the payments of blocks that left the chain; answer the ids of those that had been credited.

    `height` is that of the block that they followed; where only some blocks are known to have left, they lie `below`.
    """
    affected: Iterable[PaymentRow] = session.scalars(
        select(PaymentRow).where(
            PaymentRow.network == network,
            PaymentRow.block_height > height,
            PaymentRow.block_height < below,
            PaymentRow.status.in_([PaymentStatus.SEEN, PaymentStatus.CONFIRMING, PaymentStatus.FINAL]),
        )
    )
    forget_own_above(session, network, height, below)
    orphan_outside_above(session, gateway, network, height, below)
    reversed_ids = []
    for payment in affected:
        was = PaymentStatus(payment.status)
        payment.status = PAYMENT.check(was, PaymentStatus.ORPHANED)
        payment.final_at = None
        if was is PaymentStatus.FINAL:
            post_reversal(session, _receipt(payment), gateway.clock.now(session))
            reversed_ids.append(payment.id)
            announce(session, gateway, payment, REVERSED)
        announce(session, gateway, payment)
    return reversed_ids


def take_back(session: Session, gateway: Gateway, payment: PaymentRow, amount: int) -> None:
    """Take a part of a payment back, or all of it: it turned out to be no income. What was credited is corrected."""
    log.warning("income_taken_back", payment=payment.id, amount=str(amount))
    credited = payment.status == PaymentStatus.FINAL
    if credited:
        post_reversal(session, _receipt(payment), gateway.clock.now(session))
        announce(session, gateway, payment, REVERSED)
    announce(session, gateway, payment)
    if amount >= payment.amount:
        payment.status = PAYMENT.check(PaymentStatus(payment.status), PaymentStatus.ORPHANED)
        payment.final_at = None
        return
    payment.amount -= amount
    if credited:
        payment.credits += 1
        post_receipt(session, _receipt(payment), gateway.clock.now(session))


def enlarge(session: Session, gateway: Gateway, payment: PaymentRow, amount: int) -> None:
    """Add to a payment what turned out to have come with it. What was credited is booked back, and anew."""
    log.info("income_added", payment=payment.id, amount=str(amount))
    credited = payment.status == PaymentStatus.FINAL
    if credited:
        post_reversal(session, _receipt(payment), gateway.clock.now(session))
    payment.amount += amount
    if credited:
        payment.credits += 1
        post_receipt(session, _receipt(payment), gateway.clock.now(session))
    session.flush()
    announce(session, gateway, payment)


def _receipt(payment: PaymentRow) -> Receipt:
    return Receipt(
        payment_id=payment.id,
        count=payment.credits,
        merchant_id=payment.merchant_id,
        livemode=payment.livemode,
        network=payment.network,
        asset=payment.asset,
        amount=payment.amount,
    )
