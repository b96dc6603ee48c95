"""A person books what was explained: then, and by nothing else, ledger and chain agree again."""

from collections.abc import Mapping
from functools import partial

from sqlalchemy.orm import Session

from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.ledger.corrections import post_correction
from cloudpay.ledger.pots import Place, Pot, booked
from cloudpay.reconciliation.compare import Comparison
from cloudpay.reconciliation.service import Reconciliation

UNCOLLECTED = (
    "Nothing collects what no payment has brought: run `cloudpay rescan` over the blocks in question, best with a node "
    "that traces, so that it is credited."
)
CHANGED = "The books have changed since the comparison; compare again."


def book_drifts(gateway: Gateway, found: Reconciliation, reason: str, *, actor: str) -> Mapping[Pot, str]:
    """Book every drift of a comparison, once, with its reason in the audit log; answer what was not, and why."""
    work = partial(_book_one, gateway=gateway, found=found, reason=reason, actor=actor)
    told = {each.pot: gateway.db.run(partial(work, drift=each)) for each in found.drifts}
    return {pot: why for pot, why in told.items() if why}


def _book_one(
    session: Session, gateway: Gateway, found: Reconciliation, drift: Comparison, reason: str, actor: str
) -> str:
    """Answer why it was not booked; empty text where it was, now or by an earlier call for the same block."""
    pot = drift.pot
    if pot.place is Place.DEPOSITS and drift.drift > 0:
        return UNCOLLECTED
    now = gateway.clock.now(session)
    with session.begin_nested() as savepoint:
        if not post_correction(session, found.network, found.height, pot, drift.drift, now):
            return ""
        # Read again under the accounts' locks: two people who have compared at two blocks would book it twice.
        if booked(session, found.network)[pot] != drift.ledger + drift.drift:
            savepoint.rollback()
            return CHANGED
    details = {
        "reason": reason,
        "height": str(found.height),
        "asset": pot.asset,
        "base_units": str(drift.drift),
    }
    record(
        session,
        actor=actor,
        action="ledger.corrected",
        subject=f"{found.network}/{pot.place.value}",
        merchant_id=pot.merchant_id,
        livemode=pot.livemode,
        details=details,
    )
    return ""
