"""The merchant's side: orders that become invoices, whatever happens to the web process, and what their payers do."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import requests

from tests.kills.clients import Clients
from tests.kills.ground import TOKEN
from tests.kills.payers import Payers, Payment
from tests.kills.stack import Stack

_KINDS = {
    "exact": 8, "two": 4, "over": 3, "under": 2, "over after paid": 1, "nothing": 1, "abandoned": 2, "late": 1,
}  # fmt: skip
_MOST_OPEN = 60


@dataclass
class Order:
    """What a shop ordered, and what must come of it: status and qualifier."""

    kind: str
    key: str
    asset: str
    units: int
    invoice_id: str = ""
    address: str = ""
    over_at: float = 0.0
    paid_late: bool = False

    @property
    def waits_for_expiry(self) -> bool:
        """Whether its time must be let run out, or its late payer come."""
        return (self.kind == "abandoned" and not self.over_at) or (self.kind == "late" and not self.paid_late)

    @property
    def outcome(self) -> tuple[str, str | None]:
        """Status and exception at the end."""
        return {
            "exact": ("paid", None),
            "two": ("paid", None),
            "over": ("paid", "overpaid"),
            "over after paid": ("paid", "overpaid"),
            "under": ("pending", "underpaid"),
            "nothing": ("pending", None),
            "abandoned": ("expired", None),
            "late": ("expired", "late"),
        }[self.kind]


class Shoppers(Clients):
    """Threads that order and pay; every order has an Idempotency-Key and is sent until it is answered."""

    kinds: ClassVar[Mapping[str, int]] = _KINDS
    """What orders come to, by how often."""

    def __init__(self, stack: Stack, payers: Payers, seed: int) -> None:
        self.payers, self.ground = payers, stack.ground
        self.orders: list[Order] = []
        self._settled: set[str] = set()
        super().__init__(stack, seed)

    @property
    def has_room(self) -> bool:
        """Whether few enough orders are open."""
        return len(self.orders) - len(self._settled) < _MOST_OPEN

    def settled(self, invoice_ids: set[str]) -> None:
        """Be told which invoices need no more watching, so that orders go on."""
        self._settled = invoice_ids

    def serve(self, session: requests.Session, chance: random.Random) -> None:
        """Order, and pay as the order's kind says."""
        asset = chance.choice((self.ground.native, TOKEN, TOKEN))
        order = Order(
            kind=chance.choices([*self.kinds], [*self.kinds.values()])[0],
            key=f"order-{self.seed}-{chance.getrandbits(48):x}",
            asset=asset,
            units=chance.randint(1, 5_000_000) * 10 ** (self.ground.decimals[asset] - 6),
        )
        answer = self._create(session, order, chance.choice(self.stack.endpoints.urls))
        order.invoice_id, order.address = answer["id"], answer["address_in"]
        with self.lock:
            self.orders.append(order)
        self._pay(order, chance)

    def _create(self, session: requests.Session, order: Order, url: str) -> dict[str, Any]:
        body = {
            "amount": f"{Decimal(order.units).scaleb(-self.ground.decimals[order.asset]):f}",
            "currency": order.asset, "network": self.ground.code, "customer_name": order.kind,
            "notification_emails": "shop@example.com", "callback_url": url,
        }  # fmt: skip
        answer = self.post(session, "invoice", body, order.key)
        if answer.status_code != 201:
            raise AssertionError(f"an order was answered {answer.status_code}: {answer.text[:300]}")
        found: dict[str, Any] = answer.json()
        return found

    def _pay(self, order: Order, chance: random.Random) -> None:
        extra = chance.randint(1, order.units)
        first = chance.randint(1, order.units)
        amounts = {
            "exact": [order.units],
            "two": [first, order.units - first],
            "over": [order.units + extra],
            "over after paid": [order.units, extra],
            "under": [order.units - first],
        }.get(order.kind, [])
        if order.kind == "under" and first == order.units:
            order.kind = "nothing"
        for units in filter(None, amounts):
            self.send(order, units, chance)

    def send(self, order: Order, units: int, chance: random.Random) -> None:
        """Have a payer send an amount."""
        through = order.asset != TOKEN and chance.random() < 0.3
        self.payers.pay(Payment(order.asset, order.address, units, through))
