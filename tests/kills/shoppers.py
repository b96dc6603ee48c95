"""The merchant's side: orders that become invoices, whatever happens to the web process, and what their payers do."""

import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import requests

from tests.kills.payers import Payers, Payment
from tests.kills.stack import NETWORK, Stack

_DECIMALS = {"ETH": 18, "USDT": 6}
_KINDS = {
    "exact": 8, "two": 4, "over": 3, "under": 2, "over after paid": 1, "nothing": 1, "abandoned": 2, "late": 1,
}  # fmt: skip
_PATIENCE = 150.0


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


@dataclass
class Shoppers:
    """Threads that order and pay; every order has an Idempotency-Key and is sent until it is answered."""

    stack: Stack
    payers: Payers
    seed: int
    threads: int = 2
    orders: list[Order] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    failure: BaseException | None = None
    asked: int = 0
    most_open: int = 60

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._settled: set[str] = set()
        self._threads = [
            threading.Thread(target=self._run, args=(random.Random(f"{self.seed}:{number}"),), daemon=True)
            for number in range(self.threads)
        ]
        for thread in self._threads:
            thread.start()

    def ask_to_stop(self) -> None:
        """Order no more; the orders under way are finished."""
        self._stop.set()

    @property
    def done(self) -> bool:
        """Whether the last order was answered."""
        return not any(thread.is_alive() for thread in self._threads)

    def settled(self, invoice_ids: set[str]) -> None:
        """Be told which invoices need no more watching, so that orders go on."""
        self._settled = invoice_ids

    def _run(self, chance: random.Random) -> None:
        try:
            with requests.Session() as session:
                session.trust_env = False
                while not self._stop.wait(chance.uniform(0.0, 0.15)):
                    if len(self.orders) - len(self._settled) < self.most_open:
                        self._serve(session, chance)
        except BaseException as error:  # noqa: BLE001  # the run reports it
            self.failure = error

    def _serve(self, session: requests.Session, chance: random.Random) -> None:
        asset = chance.choice(("ETH", "USDT", "USDT"))
        order = Order(
            kind=chance.choices([*_KINDS], [*_KINDS.values()])[0],
            key=f"order-{self.seed}-{chance.getrandbits(48):x}",
            asset=asset,
            units=chance.randint(1, 5_000_000) * 10 ** (_DECIMALS[asset] - 6),
        )
        answer = self._create(session, order, chance.choice(self.stack.endpoints.urls))
        order.invoice_id, order.address = answer["id"], answer["address_in"]
        with self._lock:
            self.orders.append(order)
        self._pay(order, chance)

    def _create(self, session: requests.Session, order: Order, url: str) -> dict[str, Any]:
        body = {
            "amount": f"{Decimal(order.units).scaleb(-_DECIMALS[order.asset]):f}",
            "currency": order.asset, "network": NETWORK, "customer_name": order.kind,
            "notification_emails": "shop@example.com", "callback_url": url,
        }  # fmt: skip
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            self.asked += 1
            try:
                answer = session.post(
                    f"{self.stack.api}/invoice",
                    json=body,
                    headers={**self.stack.headers, "Idempotency-Key": order.key},
                    timeout=(2, 20),
                )
            except requests.RequestException:  # the web process was killed: ask again
                time.sleep(0.02)
                continue
            if answer.status_code == 201:
                found: dict[str, Any] = answer.json()
                return found
            self.refusals.append(f"{answer.status_code} {_code(answer)}")
            if answer.status_code != 503:
                raise AssertionError(f"an order was answered {answer.status_code}: {answer.text[:300]}")
            time.sleep(0.1)
        raise AssertionError(f"no invoice within {_PATIENCE:.0f} s: {self.refusals[-3:]}")

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
        through = order.asset == "ETH" and chance.random() < 0.3
        self.payers.pay(Payment(order.asset, order.address, units, through))


def _code(answer: requests.Response) -> str:
    try:
        found: Mapping[str, Any] = answer.json()
    except ValueError:
        return answer.text[:100]
    code, detail = found.get("code"), str(found.get("detail"))
    return f"{code}: {detail[:120]}"
