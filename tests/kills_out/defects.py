"""Planted defects: each breaks one rule of paying out, in every process of a run, and the audit has to find it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from unittest import mock

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from cloudpay.kernel.failpoints import Failpoint
from tests.kills.roles import DEFECT
from tests.kills_out.roles import PLACES

Patches = Mapping[str, Any]

WHERE: Mapping[str, Mapping[str, Sequence[Failpoint]]] = {
    "signs anew": {"send": (Failpoint.SEND_BROADCAST,)},
    "commits after the broadcast": {"send": (Failpoint.SEND_SIGNED, Failpoint.SEND_WRITTEN)},
    "marks events before they are handled": {"events": (Failpoint.OUTBOX_CLAIMED,)},
    "books no fees": {"send": (Failpoint.SEND_TRACK_COMMITTED,)},
    "takes back what is signed": {"web": (Failpoint.PAYOUT_DECIDED,)},
}
"""Where processes are killed for each of them to show."""


def places_of(defect: str) -> Mapping[str, Sequence[Failpoint]]:
    """Answer all processes, and where they are killed."""
    return {role: WHERE[defect].get(role, ()) for role in PLACES}


def plant(environment: Mapping[str, str]) -> None:
    """Have the defect that the environment names, for the rest of this process's life."""
    name = environment.get(DEFECT)
    if name:
        for target, stand_in in _DEFECTS[name]().items():
            mock.patch(target, stand_in).start()


def _signs_anew() -> Patches:
    """After a crash what was signed is forgotten, and its spends are signed once more."""
    from cloudpay.transactions import handing
    from cloudpay.transactions.models import AttemptRow, ClaimRow, SpendRow, TransactionRow

    real, first = handing.hand_over, [True]

    def forget(session: Session) -> None:
        fresh = select(AttemptRow.transaction_id).where(AttemptRow.handed_at.is_(None))
        ids = session.scalars(fresh).all()
        session.execute(delete(ClaimRow).where(ClaimRow.transaction_id.in_(ids)))
        session.execute(update(TransactionRow).where(TransactionRow.id.in_(ids)).values(status="expired"))
        spends = update(SpendRow).where(SpendRow.transaction_id.in_(ids), SpendRow.status == "sending")
        session.execute(spends.values(status="queued", transaction_id=None, tx_id=None))

    def hand_over(station: Any) -> int:
        if first.pop() if first else False:
            station.gateway.db.run(forget)
        return real(station)

    return {"cloudpay.transactions.sender.hand_over": hand_over}


def _commits_after_the_broadcast() -> Patches:
    from cloudpay.wallets.guard import Guard

    real = Guard.sign

    def sign(self: Guard, adapter: Any, *arguments: Any) -> Any:
        found = real(self, adapter, *arguments)
        adapter.broadcast([found[0]])
        return found

    return {"cloudpay.wallets.guard.Guard.sign": sign}


def _marks_events_before_they_are_handled() -> Patches:
    from cloudpay.outbox import service

    real = service._claim

    def claim(gateway: Any, limit: int) -> Any:
        events = real(gateway, limit)
        ids = [each.id for each in events]
        if ids:
            gateway.db.run(lambda session: service._mark_handled(session, gateway.clock.now(session), ids))
        return events

    return {"cloudpay.outbox.service._claim": claim}


def _books_no_fees() -> Patches:
    from cloudpay.ledger import outgoing

    real = outgoing.post_ended_many

    def post(session: Session, ended: Sequence[Any], *arguments: Any, **named: Any) -> Any:
        return real(session, [(each, 0) for each, _fee in ended], *arguments, **named)

    return {"cloudpay.transactions.outcomes.post_ended_many": post}


def _takes_back_what_is_signed() -> Patches:
    """A cancelled payout is the merchant's again, whether or not it is on its way."""

    def withdraw(_session: Session, _gateway: Any, ids: Sequence[str]) -> frozenset[str]:
        return frozenset(ids)

    return {"cloudpay.payouts.decisions.withdraw_spends": withdraw}


_DEFECTS: Mapping[str, Callable[[], Patches]] = {
    "signs anew": _signs_anew,
    "commits after the broadcast": _commits_after_the_broadcast,
    "marks events before they are handled": _marks_events_before_they_are_handled,
    "books no fees": _books_no_fees,
    "takes back what is signed": _takes_back_what_is_signed,
}
