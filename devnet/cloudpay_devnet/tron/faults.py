"""What the node does wrong on demand, so that a client can be shown what the world's nodes do."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

from cloudpay_devnet.tron.addresses import from_text, to_base58


def _address(given: object) -> str:
    return to_base58(from_text(str(given)))


KINDS: Mapping[str, str] = {
    "timeout": "The answer comes after `seconds` (30), if the client still waits.",
    "hang_up": "The connection is closed without an answer.",
    "status": "The answer has the HTTP status `status` (503) and a short text.",
    "json_status": "The answer has the HTTP status `status` (502) and JSON that is not the node's own, as of a proxy.",
    "html": "The answer is a page of HTML with status 200.",
    "cut": "The answer ends in the middle.",
    "empty": "The answer is `{}`, as if nothing were known.",
    "error": "The answer is an `Error` with the text `text`, and the HTTP status `status` (200).",
    "out_of_time": "Calls of contracts that are only tried end with java-tron's OutOfTimeException.",
    "stale": "The head is `blocks` (5) behind what it is.",
    "busy": "Broadcasts are refused with SERVER_BUSY.",
    "lost": "Broadcasts are answered with success and thrown away.",
    "deaf": "Broadcasts are taken, but their answer is status 504.",
    "wrong_txid": "Made transactions carry the txID of another transaction.",
    "forged": "Made transactions pay somebody else, and carry the fitting txID.",
    "lent": "Results of contracts tell that energy for `sun` (1000000000) was lent to `address`: no TRX moved.",
}

OPTIONS: Mapping[str, Mapping[str, Callable[[Any], Any]]] = {
    "timeout": {"seconds": float},
    "status": {"status": int},
    "json_status": {"status": int},
    "error": {"text": str, "status": int},
    "stale": {"blocks": int},
    "lent": {"address": _address, "sun": int},
}
"""What the values of a fault are, where it takes any."""

NEEDED: Mapping[str, str] = {"lent": "address"}
"""The value that a fault cannot do without."""


@dataclass
class Fault:
    """One switched-on fault: for which paths, how often, and with which values."""

    kind: str
    path: str = "*"
    times: int | None = None
    values: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"There is no fault {self.kind!r}; there are {', '.join(KINDS)}")
        options = OPTIONS.get(self.kind, {})
        for key, value in self.values.items():
            if key not in options:
                raise ValueError(f"{self.kind} has no option {key!r}; it has {', '.join(options) or 'none'}")
            self.values[key] = options[key](value)
        if (needed := NEEDED.get(self.kind)) is not None and needed not in self.values:
            raise ValueError(f"{self.kind} needs the option {needed!r}")


class Faults:
    """The faults that are switched on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._on: list[Fault] = []

    def switch_on(self, fault: Fault) -> None:
        """Add a fault."""
        with self._lock:
            self._on.append(fault)

    def clear(self, kind: str | None = None) -> None:
        """Take all faults away, or those of one kind."""
        with self._lock:
            self._on = [each for each in self._on if kind not in (None, each.kind)]

    def shown(self) -> list[dict[str, Any]]:
        """The faults that are on, as data."""
        with self._lock:
            return [
                {"kind": each.kind, "path": each.path, "times": each.times, **each.values}
                for each in self._on
            ]

    def take(self, path: str, *kinds: str) -> Fault | None:
        """The first fault of one of these kinds that a path meets; it is used up by one time."""
        with self._lock:
            for each in self._on:
                if each.kind in kinds and fnmatch(path, each.path):
                    if each.times is not None:
                        each.times -= 1
                        if each.times <= 0:
                            self._on.remove(each)
                    return each
            return None
