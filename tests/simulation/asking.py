"""The rules of invoices: what was asked never changes, and each state has its reason in what arrived."""

from collections import Counter
from collections.abc import Mapping

from cloudpay.chains.types import Capability
from cloudpay.invoices.states import INVOICE, InvoiceStatus
from cloudpay.testing import FixedClock
from tests.simulation.holding import Hold
from tests.simulation.mirror import FINAL, ORPHANED, Mirror, Row, amount, moment, on_time
from tests.simulation.nodes import Node
from tests.simulation.telling import Telling


class Asking:
    """Holds invoices and their options."""

    def __init__(
        self, mirror: Mirror, hold: Hold, clock: FixedClock, nodes: Mapping[str, Node], telling: Telling
    ) -> None:
        self._mirror, self._hold, self._clock, self._nodes = mirror, hold, clock, nodes
        self._telling = telling
        self.cancelling: set[str] = set()
        """Invoices that somebody has asked to cancel."""
        self.reversed: set[str] = set()
        self.decided: Counter[str] = telling.decided
        """How often a person decided on an invoice that was reversed."""
        self.keys: dict[str, str] = {}
        """The invoice of each idempotency key, which a run writes into `customer_name`."""
        self.begun: dict[str, int] = {}
        """How many heads its network had told when each of them was first asked for."""

    def option(self, row: Row) -> None:
        """See what is asked for."""
        known = self._mirror.options.get(row["invoice_id"])
        same = known is None or known == row
        self._hold("a quote never changes", same, known, "became", row)
        fresh = bool(known) or row["address"] not in self._mirror.addresses
        self._hold("an address is one invoice's", fresh, row)
        self._mirror.options[row["invoice_id"]] = row
        self._mirror.addresses[row["address"]] = row["invoice_id"]

    def invoice(self, row: Row) -> None:
        """See an invoice begin, or change."""
        old = self._mirror.invoices.get(row["id"])
        self._mirror.invoices[row["id"]] = row
        if old is None:
            name = row["customer_name"]
            self._hold("a key makes one invoice", self.keys.setdefault(name, row["id"]) == row["id"], name)
            self._telling.begun(row)
            return
        kept = ("merchant_id", "livemode", "callback_url", "created_at", "expires_at", "total_usd")
        self._hold("what an invoice asks never changes", all(old[each] == row[each] for each in kept), row)
        self._telling.changed(old, row)
        if old["status"] == row["status"]:
            return
        self._hold.transition(INVOICE, InvoiceStatus, old["status"], row["status"])
        if old["status"] == InvoiceStatus.REVERSED:
            self._hold("reversed is left by decision", self.decided[row["id"]] > 0, row)
        look = {
            InvoiceStatus.PAID.value: self._paid,
            InvoiceStatus.EXPIRED.value: self._expired,
            InvoiceStatus.REVERSED.value: self._reversed,
            InvoiceStatus.CANCELLED.value: self._cancelled,
        }.get(row["status"])
        if look is not None:
            look(row)

    def _asked(self, row: Row) -> int:
        return int(self._mirror.options[row["id"]]["amount"])

    def _final(self, row: Row) -> list[Row]:
        return [each for each in self._mirror.standing(row["id"]) if each["status"] == FINAL]

    def _paid(self, row: Row) -> None:
        final = self._final(row)
        timely = [each for each in final if on_time(each, row) or row["id"] in self.reversed]
        self._hold("paid is paid in full, in time", amount(timely) >= self._asked(row), row, ":", final)
        ids = {each["tx_id"] for each in timely}
        named = row["paid_tx"] in ids or (
            row["paid_tx"] is None and any(each.startswith("balance:") for each in ids)
        )
        self._hold("paid names the payment that paid", named, row["paid_tx"], "of", ids)

    def _expired(self, row: Row) -> None:
        option, expires = self._mirror.options[row["id"]], moment(row["expires_at"])
        polled = self._mirror.networks[option["network"]]["polled_at"]
        seen = polled is not None and moment(polled) > expires
        over = self._clock.moment > expires
        self._hold("nothing expires unlooked at", seen and over, row, ", looked at", polled)
        node = self._nodes[option["network"]]
        if option["asset"] == "" and Capability.TRACES not in node.capabilities:
            asked = node.looked_at(option["address"], expires, self.begun[row["customer_name"]])
            self._hold("no balance expires unlooked at", asked, row, "at", option["address"])
        timely = [each for each in self._mirror.standing(row["id"]) if on_time(each, row)]
        self._hold("what is paid does not expire", amount(timely) < self._asked(row), row, ":", timely)

    def _reversed(self, row: Row) -> None:
        self.reversed.add(row["id"])
        final = self._final(row)
        self._hold("reversed means money was taken back", amount(final) < self._asked(row), row, ":", final)

    def _cancelled(self, row: Row) -> None:
        if row["id"] in self.reversed:
            return  # written off
        standing = [self._mirror.payments[each] for each in self._mirror.by_invoice[row["id"]]]
        none = all(each["status"] == ORPHANED for each in standing)
        asked = row["id"] in self.cancelling
        self._hold("cancelled on request, with nothing received", asked and none, row, ":", standing)
