"""F110: what a killed process was sending is sent by the next one on its machine at once."""

from collections import Counter
from typing import Any

from sqlalchemy import update

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.holders import new_holder
from cloudpay.webhooks.claims import claim_due, release_abandoned
from cloudpay.webhooks.models import Delivery, EndpointSlot
from cloudpay.webhooks.states import DeliveryStatus

URL = "https://shop.example/hook"


def claim_as(gateway: Gateway, holder: str) -> None:
    """Begin to send everything under this name."""
    assert claim_due(gateway, 8, Counter(), 8)
    with gateway.db.transaction() as session:
        session.execute(update(Delivery).values(claim=holder))
        session.execute(update(EndpointSlot).where(EndpointSlot.claim.is_not(None)).values(claim=holder))


def test_what_a_process_that_is_gone_was_sending_is_due_at_once_and_its_slot_is_free(
    bench: Any, gateway: Gateway
) -> None:
    here, _, began = new_holder("clm_").rpartition(":")
    for number in range(2):  # as many as the endpoint has slots
        bench.enqueue(URL, event_id=f"evt_{number}")
    claim_as(gateway, f"{here}:{int(began) - 1}")
    assert release_abandoned(gateway) == 2
    assert len(claim_due(gateway, 8, Counter(), 8)) == 2


def test_what_a_process_is_sending_that_lives_stays_its_own(bench: Any, gateway: Gateway) -> None:
    bench.enqueue(URL)
    claim_as(gateway, new_holder("clm_"))
    assert release_abandoned(gateway) == 0
    assert bench.only().status is DeliveryStatus.SENDING
