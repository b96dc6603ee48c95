"""Accept payouts: held against ids, recipients, limits and funds, and kept, all in one transaction or not at all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import insert
from sqlalchemy.orm import Session

from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.db import table_of
from cloudpay.kernel.errors import InvalidRequest, Unavailable
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.upsert import upsert
from cloudpay.kernel.urls import check_public_url
from cloudpay.merchants.idempotency import StoredAnswer, once, remember
from cloudpay.merchants.principal import Principal
from cloudpay.merchants.service import get_merchant
from cloudpay.payouts import limits
from cloudpay.payouts.escalation import APPROVALS
from cloudpay.payouts.funds import Quotes, free, quotes, reserve
from cloudpay.payouts.known import batch_hash, earlier_batch, item_hash
from cloudpay.payouts.models import BatchRow, PayoutRow
from cloudpay.payouts.recipients import refuse_our_own
from cloudpay.payouts.release import release
from cloudpay.payouts.resolution import Problems, Resolved, Resolver
from cloudpay.payouts.states import BatchStatus, PayoutStatus
from cloudpay.payouts.views import BatchView, NewBatch, PayoutView, payout_values, totals
from cloudpay.transactions.errors import QuotesMissing
from cloudpay.wallets.masters import master_wallet


@dataclass(frozen=True)
class Preview:
    """What a dry run answers: the batch as it would be, and what it needs of what there is, by (network, asset)."""

    batch: BatchView
    funds: Mapping[tuple[str, str], tuple[int, int]]


Render = Callable[[BatchView], str]
RenderPreview = Callable[[Preview], str]


class _OvertakenError(Exception):
    """The same ids were committed by another request meanwhile: look again."""


def create(
    gateway: Gateway,
    principal: Principal,
    new: NewBatch,
    key: str | None,
    render: Render,
    render_preview: RenderPreview,
) -> StoredAnswer:
    """Accept all of these payouts or none; the same ones once more get their first answer, and nothing is done twice.

    Raises `PayoutsRefused`, `PayoutIdsMixed`, `PayoutIdReused`, `PayoutLimitExceeded`, `InsufficientFunds`,
    `QuotesMissing` and the errors of idempotency keys.
    """
    problems = Problems(new)
    asked = _ask(gateway, principal, new, problems)

    def look(session: Session) -> StoredAnswer:
        attempt = _Attempt(session, gateway, asked)
        known = attempt.earlier()
        if known is not None:
            return StoredAnswer(200, render(known), replayed=True)
        refuse_our_own(session, asked.resolved, problems)
        return StoredAnswer(200, render_preview(attempt.preview()))

    def work(session: Session) -> StoredAnswer:
        earlier = once(session, gateway, principal, asked.route, key, asked.content_hash)
        if earlier is not None:
            return earlier
        attempt = _Attempt(session, gateway, asked)
        known = attempt.earlier()
        if known is not None:
            answer = remember(session, principal, asked.route, key, 201, render(known))
            return replace(answer, replayed=True)
        refuse_our_own(session, asked.resolved, problems)
        return remember(session, principal, asked.route, key, 201, render(attempt.accept()))

    if new.dry_run:
        with gateway.db.read() as session:
            return look(session)
    while True:
        try:
            answer = gateway.db.run(work)
        except _OvertakenError:  # on PostgreSQL, once: what overtook it is there now, and is found
            continue
        passing(Failpoint.PAYOUT_STORED)
        return answer


def _ask(gateway: Gateway, principal: Principal, new: NewBatch, problems: Problems) -> "_Asked":
    """Understand a batch; one that was accepted before need not be understood again to be answered."""
    try:
        return _understand(gateway, principal, new, problems)
    except (InvalidRequest, Unavailable):
        asked = _as_submitted(principal, new)
        if not _is_known(gateway, asked):
            raise
        return asked


def _understand(gateway: Gateway, principal: Principal, new: NewBatch, problems: Problems) -> "_Asked":
    """Do all that needs no transaction: resolve the items, ask what they cost, have the master wallets there."""
    if new.callback_url is not None:
        check_public_url(new.callback_url, allow_private=gateway.settings.webhooks.allow_private_targets)
    merchant = get_merchant(gateway, principal.merchant_id)
    resolver = Resolver(gateway.chains, new, merchant, problems=problems)
    resolved = resolver.resolve()
    problems.refuse()
    networks = {each.network.code: each.network for each in resolved}
    for network in networks.values():
        master_wallet(gateway, network, principal.merchant_id)  # so that it is there, and watched
    prices = quotes(gateway, networks.keys())
    passing(Failpoint.PAYOUT_PRICED)
    return replace(_as_submitted(principal, new), resolved=resolved, prices=prices)


def _as_submitted(principal: Principal, new: NewBatch) -> "_Asked":
    hashes = {each.external_id: item_hash(each, new) for each in new.items}
    return _Asked(principal, new, hashes, batch_hash(new, hashes))


def _is_known(gateway: Gateway, asked: "_Asked") -> bool:
    """Say whether it was accepted before: then it is answered as it was, whatever its defaults would mean by now."""
    if len(asked.hashes) < len(asked.new.items):
        return False  # an id that is there twice is no batch that was ever accepted
    with gateway.db.read() as session:
        return earlier_batch(session, asked.principal, asked.content_hash, asked.hashes) is not None


@dataclass(frozen=True)
class _Asked:
    """A batch as it was asked for, and what it means; `hashes` are the items' own, by external id."""

    principal: Principal
    new: NewBatch
    hashes: Mapping[str, str]
    content_hash: str
    resolved: Sequence[Resolved] = ()
    prices: Quotes = field(default_factory=dict)

    @property
    def route(self) -> str:
        """Where it was sent."""
        return "POST /api/payout" if self.new.single else "POST /api/user/payouts/bulk/api"


class _Attempt:
    """One attempt at accepting, inside its transaction."""

    def __init__(self, session: Session, gateway: Gateway, asked: _Asked) -> None:
        self._session, self._gateway, self._asked = session, gateway, asked
        self._principal, self._new = asked.principal, asked.new
        self._now = gateway.clock.now(session)
        self._holder = limits.Holder(asked.principal.merchant_id, asked.principal.key_id)

    def earlier(self) -> BatchView | None:
        """Answer what the same batch was answered before."""
        return earlier_batch(self._session, self._principal, self._asked.content_hash, self._asked.hashes)

    def preview(self) -> Preview:
        """Answer what would be accepted, judged as `accept` does; nothing is kept."""
        waiting, who = self._waiting(""), self._principal
        approval = limits.needs_approval(self._session, who.merchant_id, waiting, self._now)
        if self._new.auto_confirm and not approval:
            limits.check(self._session, self._holder, waiting, self._now)
        batch = self._batch("", waiting, approval=approval)
        return Preview(batch, free(self._session, who.merchant_id, who.livemode, totals(waiting)))

    def accept(self) -> BatchView:
        """Keep the batch, reserve what it needs and, where it asks for it, send it."""
        batch_id, session = new_id("bat_"), self._session
        waiting = self._waiting(batch_id)
        batch = self._batch(batch_id, waiting, approval=self._needs_approval(waiting))
        self._insert(batch)
        passing(Failpoint.PAYOUT_INSERTED)
        reserve(session, self._gateway, batch.payouts, self._now)
        passing(Failpoint.PAYOUT_RESERVED)
        if batch.status is BatchStatus.PROCESSING:
            release(session, self._gateway, batch.payouts)
        self._record(batch)
        return batch

    def _needs_approval(self, payouts: Sequence[PayoutView]) -> bool:
        """Say whether people must agree; what is to go out at once and may is counted, before all else is written."""
        if not self._new.auto_confirm:
            return limits.needs_approval(self._session, self._principal.merchant_id, payouts, self._now)
        try:
            limits.take(self._session, self._holder, payouts, self._now, seen=False)
        except limits.AboveThresholdError:
            return True
        return False

    def _waiting(self, batch_id: str) -> tuple[PayoutView, ...]:
        ids = sorted(
            new_id("po_") for _ in self._asked.resolved
        )  # those of one batch sort as they were asked for
        return tuple(
            PayoutView(
                id=payout_id,
                batch_id=batch_id,
                position=position,
                merchant_id=self._principal.merchant_id,
                livemode=self._principal.livemode,
                external_id=each.item.external_id,
                content_hash=self._asked.hashes[each.item.external_id],
                status=PayoutStatus.AWAITING_CONFIRMATION,
                network=each.network.code,
                asset=each.asset.key,
                symbol=each.asset.symbol,
                decimals=each.asset.decimals,
                address=each.address,
                amount=each.amount,
                tier=each.tier,
                memo=each.item.memo,
                fee_reserved=self._price(each),
                created_at=self._now,
                queued_at=None,
            )
            for position, (payout_id, each) in enumerate(zip(ids, self._asked.resolved, strict=True))
        )

    def _queued(self, payout: PayoutView) -> PayoutView:
        return replace(payout, status=PayoutStatus.QUEUED, queued_at=self._now)

    def _price(self, each: Resolved) -> int:
        price = self._asked.prices.get((each.network.code, each.tier, each.asset.key))
        if price is None:
            raise QuotesMissing(each.network.code)
        return price

    def _batch(self, batch_id: str, waiting: tuple[PayoutView, ...], *, approval: bool) -> BatchView:
        """The batch as it is accepted: of what waits, or of what goes out at once."""
        at_once = self._new.auto_confirm and not approval
        return BatchView(
            id=batch_id,
            merchant_id=self._principal.merchant_id,
            livemode=self._principal.livemode,
            status=BatchStatus.PROCESSING if at_once else BatchStatus.AWAITING_CONFIRMATION,
            auto_confirm=self._new.auto_confirm,
            callback_url=self._new.callback_url,
            approvals_needed=APPROVALS if approval else 0,
            created_at=self._now,
            completed_at=None,
            payouts=tuple(self._queued(each) for each in waiting) if at_once else waiting,
        )

    def _insert(self, batch: BatchView) -> None:
        """Insert all rows; another batch with one of the ids is waited for, and then comes first."""
        waiting = batch.status is BatchStatus.AWAITING_CONFIRMATION
        row = {
            "id": batch.id,
            "merchant_id": batch.merchant_id,
            "livemode": batch.livemode,
            "content_hash": self._asked.content_hash,
            "auto_confirm": batch.auto_confirm,
            "accepted_as": batch.payouts[0].status.value,
            "callback_url": batch.callback_url,
            "created_by": self._principal.actor,
            "created_at": batch.created_at,
            "items": len(batch.payouts),
            "awaiting": len(batch.payouts) if waiting else 0,
            "open": len(batch.payouts),
            "approvals_needed": batch.approvals_needed,
            "accepted_approvals": batch.approvals_needed,
        }
        connection, table = self._session.connection(), table_of(PayoutRow)
        connection.execute(insert(table_of(BatchRow)), row)
        in_order = sorted(
            batch.payouts, key=lambda each: each.external_id
        )  # so that two cannot wait for each other
        statement = upsert(self._session, PayoutRow).on_conflict_do_nothing(
            index_elements=["merchant_id", "external_id"]
        )
        made = connection.execute(statement.returning(table.c.id), [payout_values(each) for each in in_order])
        if len(made.all()) < len(in_order):
            raise _OvertakenError

    def _record(self, batch: BatchView) -> None:
        moved = {f"{each.symbol}@{each.network}": str(each.amount) for each in totals(batch.payouts)}
        record(
            self._session,
            actor=self._principal.actor,
            action="payouts.created",
            subject=batch.id,
            merchant_id=batch.merchant_id,
            livemode=batch.livemode,
            details={"items": str(len(batch.payouts)), "status": batch.status.value, **moved},
        )
