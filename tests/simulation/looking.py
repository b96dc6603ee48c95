"""The rules of looking: what counts as looked at was looked at, by who held the lease; a second reading is one."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from cloudpay.payments.states import NETWORK, NetworkStatus
from cloudpay.testing import FixedClock
from tests.simulation.arriving import Arriving
from tests.simulation.holding import Hold
from tests.simulation.mirror import Mirror, Row, moment
from tests.simulation.nodes import Node


class Looking:
    """Holds networks and leases."""

    def __init__(
        self, mirror: Mirror, hold: Hold, clock: FixedClock, nodes: Mapping[str, Node], arriving: Arriving
    ) -> None:
        self._mirror, self._hold, self._clock, self._nodes = mirror, hold, clock, nodes
        self._arriving = arriving
        self.paused: set[str] = set()
        """Networks that were paused at the last look, or since."""

    def network(self, row: Row) -> None:
        """See how far a network has been read, and how it is."""
        code = row["code"]
        old = self._mirror.networks.get(code)
        self._mirror.networks[code] = row
        if row["status"] == NetworkStatus.PAUSED:
            self.paused.add(code)
        if old is not None and old["status"] != row["status"]:
            self._hold.transition(NETWORK, NetworkStatus, old["status"], row["status"])
        if row["cursor_hash"] is None:  # a person had it begin anew, perhaps in one step with what followed
            self._arriving.begin_anew(code)
        if row["polled_at"] and (old is None or old["polled_at"] != row["polled_at"]):
            told = self._healthy_heads(row, moment(row["polled_at"]))
            self._hold("what was looked at was looked at", told, code, "at", row["polled_at"])
        before = None if old is None else old["reread_height"]
        if row["reread_height"] is not None and row["reread_height"] > (before or 0):
            self._read_again(row, before)

    def lease(self, row: Row) -> None:
        """See who works on what."""
        old = self._mirror.leases.get(row["name"])
        self._mirror.leases[row["name"]] = row
        if old is not None and old["holder"] != row["holder"]:
            ran_out = moment(old["until"]) < self._clock.moment and row["token"] > old["token"]
            self._hold("a lease is taken over when it has run out", ran_out, old, "became", row)

    def _healthy_heads(self, row: Row, since: datetime) -> bool:
        """Say whether a young head was told after that moment, and all up to it has been read."""
        node = self._nodes[row["code"]]
        allowed = timedelta(seconds=node.settings.stalled_after_seconds)
        for at, head in reversed(node.heads):
            if at < since:
                return False
            age = since - datetime.fromtimestamp(head.latest.time, UTC)
            if age <= allowed and (row["cursor_height"] or 0) >= head.latest.height:
                return True
        return False

    def _read_again(self, row: Row, before: int | None) -> None:
        """A second reading counts up to a block when it went so far, from where the last one ended, and hid nothing."""
        code, place = row["code"], row["reread_height"]
        self._hold("only what is final is read a second time", place <= (row["final_height"] or 0), row)
        readings = [
            each
            for each in self._nodes[code].readings
            if each.last == place and each.first <= (each.first if before is None else before + 1)
        ]
        self._hold("what was read a second time was read", bool(readings), code, before, "to", place)
        whole = any(not self._arriving.known_of(code, each.missing) for each in readings)
        self._hold("a second reading that leaves out what is known proves nothing", whole, code, readings)
