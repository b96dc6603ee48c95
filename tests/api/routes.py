"""Every route of the application, so that a new one is held to what holds for all."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from flask import Flask

from cloudpay.app import create_app
from cloudpay.kernel.ids import new_id
from tests.api.house import PAYEE, House, Tenant

NOWHERE = {
    "invoice_id": "INV-",
    "delivery_id": "whd_",
    "payout_id": "po_",
    "batch_id": "bat_",
    "external_id": "REF_",
}
"""The prefix of each kind of id that stands in a path; a new kind must be named here, and in `ids_of`."""

PUBLIC = {
    "health.healthz": "a supervisor asks it",
    "health.readyz": "a load balancer asks it; it names networks and no node",
    "metrics.scrape": "private addresses alone",
    "reader.openapi": "the same for everybody",
    "reader.page": "the same for everybody",
    "reader.start": "the same for everybody",
    "reader.asset": "the same for everybody",
    "checkout.page": "a payer has the link and no key; it shows what to pay, and nothing of the customer",
    "checkout.qr_code": "the payment link that the page shows, as a picture",
    "checkout.style": "the same for everybody",
}
"""Endpoints that ask for no key, and why."""


NO_LISTS = {"wallets.get_balance": "one balance, of the network that it is asked for"}
"""Endpoints that answer a GET without an id in their path, and are no lists."""


NO_FIELDS = {
    "payouts.create_batch_from_file": "a file; its columns are held to the same by a test of their own"
}
"""Endpoints whose body is not JSON."""


class Route(NamedTuple):
    """One method of one path; `{name}` stands where an id goes."""

    method: str
    path: str
    endpoint: str

    @property
    def takes_id(self) -> bool:
        """Say whether the path names a thing."""
        return "{" in self.path


def routes(house: House) -> list[Route]:
    """Every route that asks for a key, from the application itself."""
    app = create_app(gateway=house.gateway)
    return [each for each in _all(app) if each.endpoint not in PUBLIC]


def lists(house: House) -> list[Route]:
    """Every route that answers a list."""
    found = [each for each in routes(house) if each.method == "GET" and not each.takes_id]
    return [each for each in found if each.endpoint not in NO_LISTS]


def _all(app: Flask) -> Iterator[Route]:
    for rule in app.url_map.iter_rules():
        path = rule.rule.replace("<", "{").replace(">", "}")
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield Route(method, path, rule.endpoint)


def ids_of(tenant: Tenant) -> Mapping[str, str]:
    """What a tenant's own things are called, by the name that routes give them."""
    return {name: getattr(tenant, name) for name in NOWHERE}


def good_body(route: Route) -> dict[str, Any]:
    """What a route takes, as far as its fields go."""
    payout = {"address": PAYEE, "amount": "0.001", "id": "REF_good"}
    invoice = {"amount": "1", "currency": "ETH", "customer_name": "A", "notification_emails": ""}
    bodies: dict[str, dict[str, Any]] = {
        "invoices.create_invoice": invoice,
        "payouts.create_payout": payout,
        "payouts.create_batch": {"items": [payout]},
    }
    return bodies.get(route.endpoint, {})


def ids_of_nobody() -> Mapping[str, str]:
    """Ids of the right shape that were given to nothing."""
    return {name: new_id(prefix) for name, prefix in NOWHERE.items()}
