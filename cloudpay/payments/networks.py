"""The state of each network: whether it may be trusted with money now, and why not."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.kernel.clock import note_time, time_of_day
from cloudpay.kernel.db import table_of
from cloudpay.kernel.errors import Conflict, Unavailable
from cloudpay.kernel.log import get_logger
from cloudpay.kernel.prepared import Prepared
from cloudpay.kernel.upsert import insert_if_absent
from cloudpay.outbox.service import append
from cloudpay.payments.alarms import tell_status
from cloudpay.payments.blocks import count_gaps, forget_above, lowest
from cloudpay.payments.credit import orphan_above
from cloudpay.payments.models import NetworkRow, PaymentRow
from cloudpay.payments.nodes import node_views
from cloudpay.payments.progress import percent
from cloudpay.payments.states import NETWORK, NetworkStatus, PaymentStatus
from cloudpay.payments.views import CatchUp, NetworkView

log = get_logger(__name__)

SYSTEM = "system"
"""How the audit log names the gateway itself."""

_NEVER_VERIFIED = "No node has been verified yet; is `cloudpay worker watch` running?"

LOST_THREAD = (
    "The chain holds none of the blocks that were read before. Check that the nodes are on the right chain, then run "
    "`cloudpay chains resume`; with --anew where they are, and the chain itself began anew."
)

OTHER_GENESIS = "The chain begins with another block than it did when it was first read"
"""How the reason of a network begins whose nodes serve another chain under the same id."""


class NetworkClosed(Unavailable):
    """The network takes no new invoices now."""

    code = "network_unavailable"

    def __init__(self, network: str, status: str, reason: str) -> None:
        super().__init__(
            f"The network {network} is {status} and takes no new invoices now: {reason} Try again later."
        )
        self.network, self.status, self.reason = network, status, reason


def network_row(session: Session, code: str) -> NetworkRow:
    """Answer the network's row, locked for this transaction; made when it is not there yet, whoever comes first."""
    row = session.get(NetworkRow, code, with_for_update=True)
    if row is not None:
        return row
    fresh = {"code": code, "status": NetworkStatus.UNVERIFIED.value, "reason": _NEVER_VERIFIED}
    insert_if_absent(session, NetworkRow, fresh, "code")
    return session.get_one(NetworkRow, code, with_for_update=True)


def enter(
    session: Session,
    gateway: Gateway,
    row: NetworkRow,
    status: NetworkStatus,
    reason: str = "",
    *,
    alarming: bool = True,
) -> None:
    """Move a network to a status; a change is announced and logged, a new reason alone is only kept.

    A status that needs a look opens an alert, unless a person chose it (`alarming` is false then).
    """
    changed = row.status != status
    if row.status != status:
        NETWORK.check(NetworkStatus(row.status), status)
        tell = log.info if status is NetworkStatus.ACTIVE else log.warning
        tell("network_status", network=row.code, was=row.status, now=status.value, reason=reason)
        append(
            session, gateway.clock, f"network.{status.value}", row.code, {"reason": reason, "was": row.status}
        )
        row.status = status
    row.reason = reason
    if changed:
        tell_status(session, gateway, row, alarming=alarming)


_NETWORK = table_of(NetworkRow).c
_STATE = Prepared(
    select(_NETWORK.status, _NETWORK.reason, _NETWORK.answered_at, time_of_day().label("time_of_day")).where(
        _NETWORK.code == bindparam("code")
    )
)
"""Asked for each new invoice: plain columns, and the time with them."""


def require_open(session: Session, gateway: Gateway, network: Network) -> None:
    """Raise `NetworkClosed` unless new invoices may be taken on this network."""
    row = _STATE.first(session.connection(), {"code": network.code})
    if row is None:
        raise NetworkClosed(network.code, NetworkStatus.UNVERIFIED, _NEVER_VERIFIED)
    note_time(session, row.time_of_day)
    if row.status != NetworkStatus.ACTIVE:
        raise NetworkClosed(network.code, row.status, row.reason)
    silence = timedelta(seconds=network.settings.stalled_after_seconds)
    if row.answered_at is None or gateway.clock.now(session) - row.answered_at > silence:
        raise NetworkClosed(network.code, NetworkStatus.STALLED, f"It was last looked at {row.answered_at}.")


def polled_after(session: Session, codes: set[str], moment: datetime) -> bool:
    """Say whether, on all these networks, a poll that began after that moment has reached a healthy head."""
    rows = session.scalars(select(NetworkRow).where(NetworkRow.code.in_(codes)))
    done = {row.code for row in rows if row.polled_at is not None and row.polled_at > moment}
    return done == codes


def pause(gateway: Gateway, code: str, reason: str, *, actor: str = SYSTEM) -> None:
    """Stop taking invoices and crediting on a network until it is resumed; audited."""
    network = gateway.chains.network(code)

    def work(session: Session) -> None:
        row = network_row(session, network.code)
        enter(session, gateway, row, NetworkStatus.PAUSED, reason, alarming=actor == SYSTEM)
        details = {"reason": reason}
        record(session, actor=actor, action="network.paused", subject=network.code, details=details)

    gateway.db.run(work)


def resume(gateway: Gateway, code: str, *, anew: bool = False, actor: str = SYSTEM) -> None:
    """Let a paused network go on from where it stopped; it is verified first. Audited.

    With `anew` it goes on from the newest block, on a chain that holds none of the blocks that were read: what was
    found in those is taken back, and a rescan finds what the chain still has of it.
    """
    network = gateway.chains.network(code)

    def work(session: Session) -> None:
        row = network_row(session, network.code)
        if row.status != NetworkStatus.PAUSED:
            raise Conflict(
                f"The network {network.code} is {row.status}, not paused; there is nothing to resume."
            )
        if anew and row.reason != LOST_THREAD and not row.reason.startswith(OTHER_GENESIS):
            raise Conflict(
                f"The network {network.code} is paused for another reason than a lost chain: {row.reason} "
                "Resume it without --anew, which would take back what is still on the chain."
            )
        if anew:
            orphan_above(session, gateway, row.code, lowest(session, row.code) - 1)
            forget_above(session, row.code, -1)
            row.cursor_height = row.cursor_hash = row.final_height = row.genesis_hash = None
            row.reread_height = None
        enter(session, gateway, row, NetworkStatus.UNVERIFIED, "It was resumed and is verified now.")
        details = {"from": "the newest block" if anew else "where it stopped"}
        record(session, actor=actor, action="network.resumed", subject=network.code, details=details)

    gateway.db.run(work)


def network_views(gateway: Gateway) -> list[NetworkView]:
    """Answer how every configured network is doing."""
    with gateway.db.read() as session:
        rows = {row.code: row for row in session.scalars(select(NetworkRow))}
        gaps = {code: count_gaps(session, code) for code in rows}
        nodes, waiting = node_views(session), _waiting(session)
        now = gateway.clock.now(session)
    return [
        replace(
            _view(network.code, rows.get(network.code), gaps.get(network.code, 0)),
            age=_age(rows.get(network.code), now),
            nodes=tuple(nodes.get(network.code, ())),
            waiting=waiting.get(network.code, 0),
        )
        for network in gateway.chains
    ]


def _waiting(session: Session) -> dict[str, int]:
    """Count by network the payments in final blocks that are not credited."""
    waits = (
        PaymentRow.network == NetworkRow.code,
        PaymentRow.status == PaymentStatus.CONFIRMING,
        PaymentRow.block_height <= NetworkRow.final_height,
    )
    counted = select(func.count()).select_from(PaymentRow).where(*waits).correlate(NetworkRow)
    rows = select(
        NetworkRow.code, counted.scalar_subquery()
    )  # for each network by the index, never all payments
    return dict(session.execute(rows).all())


def _age(row: NetworkRow | None, now: datetime) -> int | None:
    if row is None or row.head_moved_at is None:
        return None
    return max(0, int((now - row.head_moved_at).total_seconds()))


def _view(code: str, row: NetworkRow | None, gaps: int) -> NetworkView:
    if row is None:
        return NetworkView(
            code, NetworkStatus.UNVERIFIED, _NEVER_VERIFIED, None, None, None, None, None, None, None, 0
        )
    return NetworkView(
        code=code,
        status=NetworkStatus(row.status),
        reason=row.reason,
        head=max(filter(None, (row.head_height, row.catch_up_to)), default=None),
        final=row.final_height,
        cursor=row.cursor_height,
        finality=row.finality,
        node=row.node,
        answered_at=row.answered_at,
        polled_at=row.polled_at,
        gaps=gaps,
        catching_up=_catch_up(row),
    )


def _catch_up(row: NetworkRow) -> CatchUp | None:
    first, last = row.catch_up_from, row.catch_up_to
    if first is None or last is None:
        return None
    return CatchUp(first, last, percent(first, row.cursor_height or first, last), row.catch_up_done_at)
