"""Faults that are on: for which methods, and for how many calls more."""

import dataclasses
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from cloudpay_devnet.faultproxy.values import Ask, Fault, JsonAnswer, JsonCall, Raw


@dataclass(eq=False)
class Switch:
    """A fault while it is on. `hits` counts the calls (or whole requests) that it had a hand in; `left` may end it."""

    fault: Fault
    methods: frozenset[str] = frozenset()
    left: int | None = None
    hits: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def on(self) -> bool:
        """Say whether it still acts."""
        return self.left is None or self.left > 0

    def request(self, calls: Sequence[JsonCall]) -> Raw | None:
        """Let the fault answer a whole request that holds a call of its methods."""
        if not self._acts(type(self.fault).request is not Fault.request, calls):
            return None
        return self.fault.request(calls)

    def around(self, ask: Ask) -> Ask:
        """Stand in front of what answers calls."""
        if type(self.fault).call is Fault.call:
            return ask

        def through(call: JsonCall) -> JsonAnswer:
            return self.fault.call(call, ask) if self._acts(True, [call]) else ask(call)

        return through

    def response(self, calls: Sequence[JsonCall], raw: Raw) -> Raw:
        """Let the fault change a whole answer."""
        acts = self._acts(type(self.fault).response is not Fault.response, calls)
        return self.fault.response(raw) if acts else raw

    def shown(self) -> dict[str, Any]:
        """Answer the switch as JSON."""
        options = dataclasses.asdict(cast("Any", self.fault))
        return {
            "fault": self.fault.name,
            "options": options,
            "methods": sorted(self.methods),
            "left": self.left,
            "hits": self.hits,
        }

    def _acts(self, able: bool, calls: Sequence[JsonCall]) -> bool:
        if not able or (self.methods and not any(call["method"] in self.methods for call in calls)):
            return False
        with self._lock:
            if not self.on:
                return False
            self.hits += 1
            if self.left is not None:
                self.left -= 1
            return True


class Board:
    """The switches of one proxy, in the order in which they were turned on: the last one stands in front."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._switches: tuple[Switch, ...] = ()

    @property
    def switches(self) -> tuple[Switch, ...]:
        """Those that still act."""
        return tuple(each for each in self._switches if each.on)

    def add(self, fault: Fault, methods: Collection[str], times: int | None) -> Switch:
        """Turn a fault on."""
        switch = Switch(fault, frozenset(methods), times)
        with self._lock:
            self._switches = (*self.switches, switch)
        return switch

    def remove(self, which: Switch | str | None) -> None:
        """Turn one off, or all of a name, or with None every one."""
        with self._lock:
            self._switches = tuple(each for each in self.switches if not _is_meant(each, which))


def _is_meant(switch: Switch, which: Switch | str | None) -> bool:
    if isinstance(which, Switch):
        return switch is which
    return which is None or which == switch.fault.name
