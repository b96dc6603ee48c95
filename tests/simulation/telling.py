"""The rules of telling: every change has its event, in sequence; bodies are frozen; `paid` is told once."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from standardwebhooks import Webhook

from cloudpay.webhooks.states import DELIVERY, REDELIVERY, DeliveryStatus
from tests.simulation.holding import Hold
from tests.simulation.mirror import Mirror, Row

_KEPT = ("event_id", "event_type", "merchant_id", "invoice_id", "url", "body")


@dataclass(frozen=True)
class Told:
    """One call as an endpoint saw it."""

    event_id: str
    url: str
    body: str
    headers: Mapping[str, str]
    answered: int
    """HTTP status; 0 when there was no answer."""


class Telling:
    """Holds outbox, deliveries and calls against each other."""

    def __init__(self, mirror: Mirror, hold: Hold) -> None:
        self._mirror, self._hold = mirror, hold
        self.calls: list[Told] = []
        """Calls that were not looked at yet."""
        self.secrets: Callable[[str], tuple[str, ...]] = lambda _merchant: ()
        self.answers: Mapping[str, Counter[int]] = {}
        self.waiting: set[int] = set()
        """Outbox rows that were not handled yet."""
        self._sequences: defaultdict[str, int] = defaultdict(int)
        self._last: dict[str, Row] = {}
        self._touched: set[str] = set()
        self.decided: Counter[str] = Counter()
        """How often a person had a reversed invoice paid again, or tried to."""
        self.told_paid: Counter[str] = Counter()

    def begun(self, invoice: Row) -> None:
        """See a new invoice: nothing is told of it yet."""
        self._hold("an invoice begins untold", invoice["sequence"] == 0, invoice)

    def changed(self, old: Row, new: Row) -> None:
        """See an invoice change: its event must be there when the step is over."""
        differs = (old["status"], old["exception"]) != (new["status"], new["exception"])
        told = new["sequence"] > old["sequence"] if differs else new["sequence"] >= old["sequence"]
        self._hold("every change has its number", told, old, "became", new)
        self._touched.add(new["id"])

    def outbox(self, row: Row) -> None:
        """See an event, or what became of it."""
        if row["handled_at"] is None:
            self.waiting.add(row["id"])
        else:
            self.waiting.discard(row["id"])
        error = row["last_error"]
        if error:
            made = "by the simulation" in error or "NodeUnavailable" in error
            self._hold("only what was made to fail fails", made, "event", row["id"], ":", error)
        if row.get("name") == "invoice.changed":
            self._event(row["subject"], json.loads(row["payload"]))

    def _event(self, invoice_id: str, payload: Row) -> None:
        body = json.loads(payload["body"])
        following = body["sequence"] == self._sequences[invoice_id] + 1
        self._hold("the sequence goes up by one", following, body, "after", self._sequences[invoice_id])
        self._hold("an event has its own id", payload["event_id"] not in self._mirror.events, payload)
        self._sequences[invoice_id] = body["sequence"]
        self._mirror.events[payload["event_id"]] = payload
        self._last[invoice_id] = body
        self._touched.add(invoice_id)
        if body["status"] == "paid" and payload["url"] is not None:
            self.told_paid[invoice_id] += 1
            self._hold("paid is told once", self.told_paid[invoice_id] == 1, body)
            enough = Decimal(body["confirmed_amount"]) >= Decimal(body["amount"])
            self._hold("paid tells of enough", enough, body)

    def delivery(self, row: Row) -> None:
        """See a delivery."""
        old = self._mirror.deliveries.get(row["id"])
        self._mirror.deliveries[row["id"]] = row
        event = self._mirror.events.get(row["event_id"])
        same = event is not None and (event["body"], event["url"]) == (row["body"], row["url"])
        self._hold("a body is what was frozen", same, row, "of", event)
        if old is None:
            return
        self._hold("a delivery is of one event", all(old[each] == row[each] for each in _KEPT), row)
        was, now = DeliveryStatus(old["status"]), DeliveryStatus(row["status"])
        if was is not now:
            allowed = now in DELIVERY.table[was] or now in REDELIVERY.table[was]
            self._hold("states follow their tables", allowed, f"a delivery went from {was} to {now}")
            self._ended(row, now)

    def _ended(self, row: Row, now: DeliveryStatus) -> None:
        answers = self.answers.get(row["event_id"], Counter())
        if now is DeliveryStatus.SUCCEEDED:
            self._hold("delivered means answered", answers[200] > 0, row)
        elif now is DeliveryStatus.GONE:
            self._hold("gone means told so", answers[410] > 0, row)
        elif now is DeliveryStatus.FAILED:
            self._hold("given up after the last attempt", row["attempts_in_series"] >= 10, row)

    def look(self) -> None:
        """Look at what a step left."""
        for invoice_id in self._touched:
            invoice, body = self._mirror.invoices[invoice_id], self._last.get(invoice_id)
            if invoice["sequence"] == 0 and body is None:
                continue
            fits = body is not None and (body["sequence"], body["status"], body["exception"]) == (
                invoice["sequence"], invoice["status"], invoice["exception"],
            )  # fmt: skip
            self._hold("every change has its event", fits, invoice, "and", body)
        self._touched.clear()
        for call in self.calls:
            self._call(call)
        self.calls.clear()

    def _call(self, call: Told) -> None:
        event = self._mirror.events.get(call.event_id)
        same = event is not None and (event["body"], event["url"]) == (call.body, call.url)
        self._hold("an endpoint is told what was frozen", same, call, "of", event)
        if event is None:
            return
        at = datetime.fromtimestamp(int(call.headers["webhook-timestamp"]), UTC)
        made = call.headers["webhook-signature"].split(" ")
        known = [
            Webhook(each).sign(call.event_id, at, call.body) for each in self.secrets(event["merchant_id"])
        ]
        self._hold("an endpoint can verify", any(each in made for each in known), call)
