"""A person books what was explained: then, and by nothing else, ledger and chain agree again."""

from sqlalchemy.orm import Session

from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.ledger.corrections import post_correction
from cloudpay.reconciliation.service import Reconciliation


def book_drifts(gateway: Gateway, found: Reconciliation, reason: str, *, actor: str) -> int:
    """Book every drift of a comparison, once, with its reason in the audit log; answer how many were booked now."""

    def work(session: Session) -> int:
        booked = 0
        for each in found.drifts:
            pot, now = each.pot, gateway.clock.now(session)
            if post_correction(session, found.network, found.height, pot, each.drift, now):
                booked += 1
                details = {
                    "reason": reason,
                    "height": str(found.height),
                    "asset": pot.asset,
                    "base_units": str(each.drift),
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
        return booked

    return gateway.db.run(work)
