"""From a payment that is final to its collection: the invoice's priority says how soon that is to be included."""

from cloudpay.chains.gateway import Gateway
from cloudpay.invoices.lookup import priority_of
from cloudpay.outbox.service import OutboxEvent
from cloudpay.payments.holdings import final_payment
from cloudpay.sweeps.service import note_payment


def collect_payment(gateway: Gateway, event: OutboxEvent) -> None:
    """Note what a payment brought, once it is final; what is taken back is found out when it is looked at."""
    found = gateway.db.ask(lambda connection: final_payment(connection, event.subject))
    if found is not None:
        tier = gateway.db.ask(lambda connection: priority_of(connection, found.invoice_id))
        note_payment(gateway, found, tier)
