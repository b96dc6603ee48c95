"""Native money that a contract sent, on networks whose nodes do not show it: inferred from a balance at a block.

Such a payment is identified by (network, block, address): what a second look at the same block finds beyond it, as when
a fee of ours was not known yet at the first, belongs to it. When a trace shows the transfer later, the trace takes its
place, and so does any transfer that a scan had missed; none ever adds to it. What we moved there ourselves, and a scan
had missed, is taken out again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import Header, TransferSource
from cloudpay.payments.credit import credit, enlarge, take_back
from cloudpay.payments.large import is_large
from cloudpay.payments.models import PaymentRow
from cloudpay.payments.own import OwnMove, own_moves
from cloudpay.payments.rows import announce, new_payment
from cloudpay.payments.states import PAYMENT, PaymentStatus
from cloudpay.payments.views import BALANCE_PREFIX
from cloudpay.wallets.own import fees_paid
from cloudpay.wallets.service import DepositAddress, deposits


@dataclass(frozen=True)
class Balances:
    """What lies at some of our addresses at a block, in base units of the native coin."""

    at: Header
    amounts: Mapping[str, int]


def surpluses(session: Session, network: str, balances: Balances) -> dict[str, int]:
    """Answer, by address, what lies there beyond what is known to have come in up to that block.

    What was inferred at later blocks may have come in by then, and so is known too. What we moved away, or paid as a
    fee, had come in as well, though nothing is left of it.
    """
    asked, height = balances.amounts, balances.at.height
    moves, fees = own_moves(session, network, asked, height), fees_paid(session, network, asked, height)
    there = {
        address: amount
        for address, amount in asked.items()
        if amount > 0 or (address, "") in moves or address in fees
    }
    if not there:
        return {}
    known = session.execute(
        select(PaymentRow.address, PaymentRow.amount).where(
            PaymentRow.network == network,
            PaymentRow.address.in_(there),
            PaymentRow.asset == "",
            PaymentRow.status != PaymentStatus.ORPHANED,
            or_(
                PaymentRow.block_height <= height,
                PaymentRow.source == TransferSource.BALANCE.value,
            ),
        )
    )
    for address, amount in known:
        there[address] -= amount
    for address, fee in fees.items():
        there[address] += fee
    for (address, asset), amount in moves.items():
        if asset == "":
            there[address] -= amount
    return {address: amount for address, amount in there.items() if amount > 0}


def is_inferred_above(session: Session, network: str, height: int) -> bool:
    """Say whether a payment above a height is known by its balance alone."""
    inferred = select(PaymentRow.id).where(
        PaymentRow.network == network,
        PaymentRow.block_height > height,
        PaymentRow.source == TransferSource.BALANCE.value,
        PaymentRow.status != PaymentStatus.ORPHANED,
    )
    return session.scalar(inferred.limit(1)) is not None


def record_surplus(session: Session, gateway: Gateway, network: Network, looks: Sequence[Balances]) -> None:
    """Record as payments what is new at our addresses; looks at older blocks come first, the newest one last.

    What lay there at an older block was paid by then; the newest look has the last word on how much it is in all.
    """
    newest = surpluses(session, network.code, looks[-1])
    deposit_of = deposits(session, network.key_family.name, newest) if newest else {}
    for balances in looks:
        new = surpluses(session, network.code, balances)
        for address, deposit in deposit_of.items():
            amount = min(new.get(address, 0), newest[address])
            if amount > 0:
                newest[address] -= amount
                _infer(session, gateway, network, deposit, balances.at, amount)


def _infer(
    session: Session, gateway: Gateway, network: Network, deposit: DepositAddress, at: Header, amount: int
) -> None:
    same = _inferred_at(session, network, at, deposit.address)
    standing = [each for each in same if each.status != PaymentStatus.ORPHANED]
    if standing and (standing[-1].status != PaymentStatus.FINAL or not is_large(network, "", amount)):
        enlarge(session, gateway, standing[-1], amount)
        return
    row = _unseated(session, network, same, deposit.address) or _new(session, gateway, network, deposit)
    if row not in same:  # beside a credited one, what is large waits by itself until it is sure
        row.tx_id, row.ordinal = f"{BALANCE_PREFIX}{at.hash}", len(same)
    row.amount, row.status = amount, PaymentStatus.CONFIRMING
    row.block_height, row.block_hash = at.height, at.hash
    row.block_time = datetime.fromtimestamp(at.time, UTC)
    session.add(row)
    session.flush()
    announce(session, gateway, row)


def _inferred_at(session: Session, network: Network, at: Header, address: str) -> Sequence[PaymentRow]:
    """Answer what was inferred at an address in this very block, whatever became of it: its identity is taken."""
    return session.scalars(
        select(PaymentRow)
        .where(
            PaymentRow.network == network.code,
            PaymentRow.tx_id == f"{BALANCE_PREFIX}{at.hash}",
            PaymentRow.address == address,
            PaymentRow.asset == "",
        )
        .order_by(PaymentRow.ordinal)
    ).all()


def _unseated(
    session: Session, network: Network, same: Sequence[PaymentRow], address: str
) -> PaymentRow | None:
    """Answer an inferred payment that lost its block, if there is one: the money is the same, and as early.

    Those that were inferred at the `same` block come first.
    """
    lost = session.scalars(
        select(PaymentRow)
        .where(
            PaymentRow.network == network.code,
            PaymentRow.address == address,
            PaymentRow.asset == "",
            PaymentRow.source == TransferSource.BALANCE.value,
            PaymentRow.status == PaymentStatus.ORPHANED,
        )
        .order_by(PaymentRow.first_seen_at)
    ).all()
    return next((row for row in lost if row in same), lost[0] if lost else None)


def _new(session: Session, gateway: Gateway, network: Network, deposit: DepositAddress) -> PaymentRow:
    row = new_payment(session, gateway, network, deposit)
    row.asset, row.sender, row.source = "", None, TransferSource.BALANCE.value
    return row


def take_from_inferred(session: Session, traced: PaymentRow) -> bool:
    """Let a native transfer that was found take the place of (a part of) a payment inferred at its block or later.

    Answer False when there is none that it explains. The state and credits of the inferred payment go over with the
    amount, so that nothing is credited twice.
    """
    row = _explained(session, traced)
    if row is None:
        return False
    if row.amount == traced.amount:
        row.tx_id, row.ordinal, row.sender, row.source = (
            traced.tx_id,
            traced.ordinal,
            traced.sender,
            traced.source,
        )
        row.block_height, row.block_hash, row.block_time = (
            traced.block_height,
            traced.block_hash,
            traced.block_time,
        )
        traced.id = row.id
        return True
    row.amount -= traced.amount
    traced.status, traced.final_at, traced.credits = row.status, row.final_at, row.credits
    session.add(traced)
    session.flush()
    return True


def take_smaller_inferred(session: Session, gateway: Gateway, network: Network, found: PaymentRow) -> None:
    """Take back what was inferred at the block of a native transfer that was found, or later, and is less than it.

    A fee, or a transfer that nobody knew of, had lowered the balance: what it showed was a part of this transfer. If
    too much is taken back, the next look finds it again. The transfer is as final as what it replaces.
    """
    left, final = found.amount, False
    for row in _standing(session, network.code, found.address, found.block_height):
        part = min(left, row.amount)
        if part > 0:
            left -= part
            final |= row.status == PaymentStatus.FINAL
            take_back(session, gateway, row, part)
    if final and not is_large(network, "", found.amount):  # a large one waits for its own confirmations
        credit(session, gateway, found)


def give_back_inferred(session: Session, gateway: Gateway, network: Network, known: PaymentRow) -> None:
    """Take what a payment that has just come back holds out of what was inferred for it while it was away."""
    row = _explained(session, known)
    if row is None:
        take_smaller_inferred(session, gateway, network, known)
        return
    row.amount -= known.amount
    if (
        row.status == PaymentStatus.FINAL
    ):  # the credit goes over with the amount; its number is this payment's next
        known.status = PAYMENT.check(PaymentStatus(known.status), PaymentStatus.FINAL)
        known.final_at, known.credits = row.final_at, known.credits + 1
    if row.amount == 0:
        row.status, row.final_at = PAYMENT.check(PaymentStatus(row.status), PaymentStatus.ORPHANED), None


def take_own_from_inferred(
    session: Session, gateway: Gateway, network: Network, fresh: Iterable[OwnMove]
) -> None:
    """Take what our own transfers brought, and nobody knew of, out of what was inferred at their blocks or later.

    What they took counts against it: a balance showed the difference alone.
    """
    moves: defaultdict[str, list[OwnMove]] = defaultdict(list)
    for move in fresh:
        if move.asset == "":
            moves[move.address].append(move)
    for address, members in moves.items():
        excess = sum(each.amount for each in members)
        if excess <= 0:
            continue
        lowest = min(each.block_height for each in members if each.amount > 0)
        for row in _standing(session, network.code, address, lowest):
            part = min(excess, row.amount)
            excess -= part
            if part > 0:
                take_back(session, gateway, row, part)


def _explained(session: Session, found: PaymentRow) -> PaymentRow | None:
    """Answer the first payment inferred at the block of a found one, or later, that it may be (a part of)."""
    candidates = _standing(session, found.network, found.address, found.block_height)
    return next((each for each in candidates if each.amount >= found.amount), None)


def _standing(session: Session, network: str, address: str, height: int) -> Sequence[PaymentRow]:
    """Answer the inferred payments at an address in a block or later ones, in the order of their blocks."""
    return session.scalars(
        select(PaymentRow)
        .where(
            PaymentRow.network == network,
            PaymentRow.address == address,
            PaymentRow.asset == "",
            PaymentRow.source == TransferSource.BALANCE.value,
            PaymentRow.status != PaymentStatus.ORPHANED,
            PaymentRow.block_height >= height,
        )
        .order_by(PaymentRow.block_height)
    ).all()
