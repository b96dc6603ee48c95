"""What becomes of sweeps and top-ups: the rows of their addresses follow them, and have their turn when they end."""

from datetime import timedelta
from functools import partial

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.outbox.service import OutboxEvent
from cloudpay.sweeps.models import UnsweptRow
from cloudpay.sweeps.pacing import after
from cloudpay.sweeps.rows import Place, wait
from cloudpay.sweeps.states import WORDS, Standing
from cloudpay.transactions.holdings import InnerSpend, inner_spend
from cloudpay.transactions.states import SpendStatus
from cloudpay.transactions.types import SpendKind

_KINDS = (SpendKind.SWEEP, SpendKind.TOP_UP)


def follow_sweep(gateway: Gateway, event: OutboxEvent) -> None:
    """Bring the rows of an address to where its spend stands now, whatever the event says; twice changes nothing."""
    if event.payload["kind"] not in _KINDS:
        return
    with gateway.db.read() as session:
        spend = inner_spend(session, event.subject)
        idle = spend is None or _is_followed(session, spend)
    if spend is not None and not idle:
        gateway.db.run(partial(_follow, gateway=gateway, spend_id=spend.id))


def _is_followed(session: Session, spend: InnerSpend) -> bool:
    """Say whether there is nothing to write: it is under way, and its row says so."""
    if not spend.under_way:
        return False
    if spend.kind is SpendKind.TOP_UP:
        return True
    row = UnsweptRow
    known = select(row.spend_id).where(
        row.network == spend.network, row.address == spend.source, row.asset == spend.asset
    )
    return session.scalar(known) == spend.id


def _follow(session: Session, gateway: Gateway, spend_id: str) -> None:
    spend = inner_spend(session, spend_id)
    if spend is None:
        return
    if spend.kind is SpendKind.TOP_UP:
        if not spend.under_way:
            _look_again(session, gateway, spend, spend.recipient)
    else:
        _follow_sweep(session, gateway, spend)
    passing(Failpoint.SWEEP_FOLLOWED)


def _follow_sweep(session: Session, gateway: Gateway, spend: InnerSpend) -> None:
    row = session.get(UnsweptRow, (spend.network, spend.source, spend.asset), with_for_update=True)
    if row is None:
        if spend.status in (SpendStatus.CONFIRMED, SpendStatus.CANCELLED):
            _look_again(session, gateway, spend, spend.source)
            return
        wait(session, _place(spend), gateway.clock.now(session))
        row = session.get_one(UnsweptRow, (spend.network, spend.source, spend.asset), with_for_update=True)
        row.spend_id = spend.id
    if spend.under_way:  # also where a deep reorganisation took it back
        row.spend_id, row.due_at = spend.id, None
        row.standing, row.reason = Standing.COLLECTED.value, WORDS[Standing.COLLECTED]
        return
    if row.spend_id != spend.id:
        return  # it was followed before
    row.spend_id = None
    _look_again(session, gateway, spend, spend.source)
    session.refresh(row)
    _write_outcome(session, gateway, row, spend)


def _write_outcome(session: Session, gateway: Gateway, row: UnsweptRow, spend: InnerSpend) -> None:
    now = gateway.clock.now(session)
    every = timedelta(seconds=gateway.settings.sweeps.every_seconds)
    if spend.status is SpendStatus.CONFIRMED:
        row.looks, row.standing = 0, Standing.NEW.value
        if row.found is not None:
            paid = spend.amount + ((spend.fee or 0) if spend.asset == "" else 0)
            row.found = max(0, row.found - paid)
    elif spend.status is SpendStatus.CANCELLED:
        less = spend.found is not None and spend.found < spend.amount
        row.found = spend.found if less else row.found
        standing = Standing.NEW if less else Standing.NO_GAS if spend.found is None else Standing.TOO_DEAR
        row.looks += 1
        row.standing, row.reason = standing.value, spend.reason
        row.due_at = now if less else after(Standing.NO_GAS, row.looks, every, now)
    else:
        row.looks += 1
        row.standing, row.reason = Standing.FAILED.value, spend.reason or WORDS[Standing.FAILED]
        row.due_at = after(Standing.FAILED, row.looks, every, now)


def _look_again(session: Session, gateway: Gateway, spend: InnerSpend, address: str) -> None:
    """What else lies there has its turn now."""
    row = UnsweptRow
    neighbours = update(row).where(row.network == spend.network, row.address == address)
    session.execute(
        neighbours.values(due_at=gateway.clock.now(session)).execution_options(synchronize_session=False)
    )


def _place(spend: InnerSpend) -> Place:
    return Place(
        spend.network,
        spend.source,
        spend.asset,
        spend.merchant_id,
        spend.livemode,
        spend.path,
        spend.tier,
    )
