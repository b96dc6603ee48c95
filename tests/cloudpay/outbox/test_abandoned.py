"""F110: what a killed process had claimed is done by the next one on its machine at once."""

from sqlalchemy import update

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.holders import new_holder
from cloudpay.outbox.abandoned import release_abandoned
from cloudpay.outbox.models import OutboxRow
from cloudpay.outbox.service import append, drain


def claim_and_die(gateway: Gateway, holder: str) -> None:
    """Claim one event under this name, and never come back to it."""

    def fail_for_good(_gateway: Gateway, _event: object) -> None:
        raise KeyboardInterrupt

    with gateway.db.transaction() as session:
        append(session, gateway.clock, "invoice.changed", "INV-1")
    try:
        drain(gateway, {"invoice.changed": [fail_for_good]})
    except KeyboardInterrupt:
        with gateway.db.transaction() as session:
            session.execute(update(OutboxRow).values(claim=holder))


def test_what_a_process_that_is_gone_had_claimed_is_handed_on_at_once(gateway: Gateway) -> None:
    here, _, began = new_holder("clm_").rpartition(":")
    claim_and_die(gateway, f"{here}:{int(began) - 1}")
    assert drain(gateway, {}) == 0  # by the clock it is still claimed
    assert release_abandoned(gateway) == 1
    assert drain(gateway, {}) == 1


def test_what_a_process_holds_that_lives_or_is_elsewhere_stays_its_own(gateway: Gateway) -> None:
    for holder in (new_holder("clm_"), "clm_01J9@0123456789abcdef:1:1"):
        claim_and_die(gateway, holder)
    assert release_abandoned(gateway) == 0
    assert drain(gateway, {}) == 0
