"""What must be true at the end of a run, in base units: the chain, against what merchants asked for and were told."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.ledger.audit import check
from cloudpay.ledger.models import JournalRow
from cloudpay.ledger.service import balances
from cloudpay.ledger.types import AccountKind
from cloudpay.outbox.models import OutboxRow
from cloudpay.payments.models import NetworkRow
from cloudpay.payments.states import NetworkStatus
from cloudpay.payouts.models import BatchRow, PayoutRow
from cloudpay.payouts.states import ENDED
from cloudpay.transactions.journal import Journal
from cloudpay.transactions.models import AttemptRow, ClaimRow, TransactionRow
from cloudpay.transactions.states import TransactionStatus
from cloudpay.wallets.switch import all_frozen
from cloudpay.webhooks.models import Delivery
from cloudpay.webhooks.states import DeliveryStatus
from tests.kills.ground import ChainTruth
from tests.kills.stack import Stack
from tests.kills_out.banker import Outside
from tests.kills_out.merchants import Item, Merchants

GIVEN_UP = "was given up, and is on the chain"
"""What is said of a transaction that is there although its spend was to be signed anew."""
_OVERTAKEN = "What its transaction needs was used up"
_TOLD = ("confirmed", "failed")
_HELD = (AccountKind.MASTER, AccountKind.RESERVED, AccountKind.DEPOSITS, AccountKind.TRANSIT)
_OURS = ("payout.", "batch.")


@dataclass(frozen=True)
class Verdict:
    """What is wrong, by kind; nothing anywhere is a sound gateway."""

    lost: Sequence[str]
    double: Sequence[str]
    webhooks: Sequence[str]
    other: Sequence[str]

    @property
    def faults(self) -> list[str]:
        """Everything that is wrong, in sentences."""
        return [*self.lost, *self.double, *self.webhooks, *self.other]


def audit(stack: Stack, merchants: Merchants, truth: ChainTruth, outside: Outside) -> Verdict:
    """Hold the chain against the items, and the gateway's books, journal and webhooks against the chain."""
    items = merchants.items
    with stack.gateway.db.read() as session:
        rows = {row.external_id: row for row in session.scalars(select(PayoutRow))}
        lost: list[str] = []
        double: list[str] = []
        for item in items:
            _judge(item, rows.get(item.external_id), truth, lost, double)
        lost += _overtaken(rows, len(outside.ids))
        other = [*_counts(session, merchants, rows), *_transactions(session, stack, truth, outside)]
        other += [*_books(session, stack, truth, outside), *_rest(session, stack)]
        webhooks = [*_webhooks(session, stack, rows)]
    webhooks += [f"an endpoint refused a webhook: {each}" for each in stack.endpoints.refused]
    other += [*map(str, check(stack.gateway)), *merchants.wrong]
    return Verdict(lost, double, webhooks, other)


def _judge(item: Item, row: PayoutRow | None, truth: ChainTruth, lost: list[str], double: list[str]) -> None:
    """What arrived at an item's own address, and what its merchant was told."""
    got = truth.held(item.asset, item.recipient)
    told = "unknown" if row is None else row.status
    said = f"{item.external_id}: {item.units} {item.asset} to {item.recipient}, told {told}: {got} arrived"
    paid = item.units if told == "confirmed" else 0
    if got > paid:
        double.append(said)
    elif got < paid:
        lost.append(said)
    elif told != item.end and not (row is not None and told == "failed" and _is_overtaken(row)):
        reason = "" if row is None else row.reason
        lost.append(f"{said}; it was to be {item.end} ({reason})")


def _is_overtaken(row: PayoutRow) -> bool:
    return row.reason.startswith(_OVERTAKEN)


def _overtaken(rows: Mapping[str, PayoutRow], thefts: int) -> Iterator[str]:
    """Somebody else's transaction makes one payout fail at most."""
    failed = [row.external_id for row in rows.values() if _is_overtaken(row)]
    if len(failed) > thefts:
        yield f"{len(failed)} payouts have failed for {thefts} transactions from outside: {failed}"


def _counts(session: Session, merchants: Merchants, rows: Mapping[str, PayoutRow]) -> Iterator[str]:
    batches = session.scalars(select(BatchRow)).all()
    if {each.id for each in batches} != {each.batch_id for each in merchants.batches}:
        yield f"{len(merchants.batches)} batches were accepted, {len(batches)} are there"
    if len(rows) != len(merchants.items):
        yield f"{len(merchants.items)} payouts were accepted, {len(rows)} are there"
    yield from (f"the batch {each.id} has {each.open} open payouts" for each in batches if each.open)


def _transactions(session: Session, stack: Stack, truth: ChainTruth, outside: Outside) -> Iterator[str]:
    """In their order, each signed here and once in a block, none that was given up; the journal as the table."""
    yield from truth.gaps
    attempts = session.scalars(select(AttemptRow)).all()
    owners = {each.tx_id: each.transaction_id for each in attempts}
    ours = [each.tx_id for each in truth.sent if each.tx_id not in outside.ids]
    yield from (f"{each} is on the chain, and nobody has signed it" for each in ours if each not in owners)
    carried = Counter(owners[each] for each in ours if each in owners)
    yield from (f"the transaction {each} is {n} times on the chain" for each, n in carried.items() if n > 1)
    expired = select(TransactionRow.id).where(TransactionRow.status == TransactionStatus.EXPIRED)
    yield from (f"{each} {GIVEN_UP}" for each in session.scalars(expired) if carried[each])
    used = {each.claim for each in truth.sent if each.claim}
    stolen = {each.claim for each in truth.sent if each.claim and each.tx_id in outside.ids}
    claimed = {*session.scalars(select(ClaimRow.claim))}
    if claimed | stolen != used:
        yield f"claimed and not used: {claimed - used}; used and not claimed: {used - claimed - stolen}"
    journal = {each.tx_id for each in Journal(stack.gateway.settings.journal_path).entries()}
    handed = {each.tx_id for each in attempts if each.handed_at is not None}
    missing, unknown = (handed | {*ours}) - journal, journal - {*owners}
    if missing or unknown:
        yield f"the journal lacks {missing} of what went out, and has {unknown} that the database does not know"


def _books(session: Session, stack: Stack, truth: ChainTruth, outside: Outside) -> Iterator[str]:
    """The ledger is the chain, to the base unit; only the fees of others' transactions are in no book."""
    network = stack.gateway.chains.network(stack.ground.code)
    booked = {
        (key.asset, key.kind): found.debits - found.credits
        for key, found in balances(session, stack.merchant_id, livemode=False).items()
    }
    fees = truth.fees(leaving=outside.ids)
    if booked.get(("", AccountKind.FEES), 0) != fees:
        yield f"{booked.get(('', AccountKind.FEES), 0)} are booked as fees, the chain took {fees}"
    lost = truth.fees() - fees
    for asset in network.assets:
        held = truth.held(asset.symbol, truth.master) + (lost if asset.key == "" else 0)
        lies = sum(truth.held(asset.symbol, each) for each in truth.deposits)
        there = [booked.get((asset.key, kind), 0) for kind in _HELD]
        gone_on, cold = (
            booked.get((asset.key, AccountKind.COLD), 0),
            truth.held(asset.symbol, stack.ground.cold),
        )
        if gone_on != cold:
            yield f"{asset.symbol}: {gone_on} are booked as gone on to the cold address, {cold} arrived there"
        if there != [held, 0, lies, 0]:
            yield f"{asset.symbol}: the books say {there}, the chain {held} in the master wallet, {lies} at deposits"
    references = session.scalars(select(JournalRow.reference)).all()
    if len(references) != len(set(references)):
        yield "a booking is there twice"


def _webhooks(session: Session, stack: Stack, rows: Mapping[str, PayoutRow]) -> Iterator[str]:
    """Each end of a payout and of a batch was told under one id, with one body, which says what is true."""
    wanted = {f"evt_{row.id}_{row.status}": row for row in rows.values() if row.status in _TOLD}
    batches = {f"evt_{each}_completed" for each in session.scalars(select(BatchRow.id))}
    arrived = {
        event_id: bodies
        for event_id, bodies in stack.endpoints.bodies.items()
        if str(json.loads(next(iter(bodies)))["type"]).startswith(_OURS)
    }
    yield from (f"the webhook {each} did not arrive" for each in {*wanted, *batches} - {*arrived})
    yield from (f"the webhook {each} was not to be sent" for each in {*arrived} - {*wanted, *batches})
    for event_id, bodies in arrived.items():
        if len(bodies) > 1:
            yield f"the webhook {event_id} came with {len(bodies)} bodies"
        row = wanted.get(event_id)
        told = json.loads(next(iter(bodies)))
        if row is not None and (told["id"], told["tx_hash"]) != (row.external_id, row.tx_id):
            yield f"the webhook {event_id} tells of {told['tx_hash']}, the payout has {row.tx_id}"


def _rest(session: Session, stack: Stack) -> Iterator[str]:
    for row in session.scalars(select(OutboxRow).where(OutboxRow.handled_at.is_(None))):
        yield f"event {row.id} ({row.name}) waits: {row.last_error}"
    for delivery in session.scalars(select(Delivery).where(Delivery.status != DeliveryStatus.SUCCEEDED)):
        yield f"delivery {delivery.id} is {delivery.status}: {delivery.last_error}"
    for network in session.scalars(select(NetworkRow)):
        if network.status != NetworkStatus.ACTIVE:
            yield f"the network is {network.status}: {network.reason}"
    for frozen in all_frozen(session, stack.gateway.settings, [stack.ground.code]):
        yield f"{frozen.network} is frozen: {frozen.reason}"
    for payout in session.scalars(select(PayoutRow).where(PayoutRow.status.not_in(ENDED))):
        yield f"the payout {payout.external_id} is {payout.status}: {payout.reason}"
