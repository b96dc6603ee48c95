"""From payments that are final to their collection: the invoice's priority says how soon that is to be included."""

from collections.abc import Sequence
from functools import partial

from cloudpay.chains.gateway import Gateway
from cloudpay.invoices.lookup import priority_of
from cloudpay.outbox.service import OutboxEvent
from cloudpay.payments.holdings import final_payments
from cloudpay.sweeps.service import note_payment


def collect_payments(gateway: Gateway, events: Sequence[OutboxEvent]) -> None:
    """Note what payments brought, once they are final: each address and asset once, however many came there.

    What is taken back is found out when it is looked at.
    """
    ids = {event.subject for event in events}
    for found in gateway.db.ask(lambda connection: final_payments(connection, ids)):
        tier = gateway.db.ask(partial(priority_of, invoice_id=found.invoice_id))
        note_payment(gateway, found, tier)
