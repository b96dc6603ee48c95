"""A merchant with something of everything, so that links lead somewhere and lists are not empty."""

from sqlalchemy import update

from cloudpay.webhooks.models import Delivery
from cloudpay.webhooks.states import DeliveryStatus
from tests.api.house import House, Tenant


def furnished(house: House) -> Tenant:
    """Open an account with invoices in several states and deliveries in every state."""
    tenant = house.tenant("Fuzzed")
    for status in DeliveryStatus:
        invoice_id = house.invoice(tenant, callback_url="https://shop.example/hook")
        delivery_id = house.delivery(tenant, invoice_id)
        with house.gateway.db.transaction() as session:
            session.execute(update(Delivery).where(Delivery.id == delivery_id).values(status=status.value))
    house.send("POST", f"/api/invoice/{house.invoice(tenant)}/cancel", tenant.headers)
    return tenant
