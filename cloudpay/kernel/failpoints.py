"""Named places where a test has a process killed, held up or failed; in a gateway that serves they do nothing.

`CLOUDPAY_FAILPOINTS="page.committed=kill@3,delivery.sent=stall:2"` arms them for one process, when it opens its
gateway: `kill` ends the process at once, as a power cut would; `stall:SECONDS` waits; `raise:KIND` raises an error of
`ERRORS`. `@N` waits for the Nth passage, `@N+` is every passage from the Nth on; without it, the first one is meant.
A gateway with real money refuses to start with it.
"""

import os
import re
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy.exc import OperationalError

from cloudpay.kernel.errors import ConfigurationError

VARIABLE = "CLOUDPAY_FAILPOINTS"


class Failpoint(StrEnum):
    """Every step of money, in and out, after which, or before which, a process may die."""

    NETWORK_VERIFIED = "network.verified"
    LEASE_TAKEN = "lease.taken"
    LEASE_RENEWED = "lease.renewed"
    LEASE_LOST = "lease.lost"
    POLL_BEGUN = "poll.begun"
    PAGE_SCANNED = "page.scanned"
    PAGE_FENCED = "page.fenced"
    PAGE_REWOUND = "page.rewound"
    PAYMENT_OBSERVED = "payment.observed"
    PAGE_TAKEN_IN = "page.taken_in"
    CREDIT_POSTED = "credit.posted"
    CREDIT_ANNOUNCED = "credit.announced"
    PAGE_SETTLED = "page.settled"
    PAGE_COMMITTED = "page.committed"
    BALANCES_ASKED = "balances.asked"
    BALANCES_RECORDED = "balances.recorded"
    HEARTBEAT_RECORDED = "heartbeat.recorded"
    HEARTBEAT_COMMITTED = "heartbeat.committed"
    RESCAN_TAKEN_IN = "rescan.taken_in"
    RESCAN_COMMITTED = "rescan.committed"
    OUTBOX_APPENDED = "outbox.appended"
    TRANSACTION_COMMITTED = "transaction.committed"
    NUDGE_DUE = "nudge.due"
    OUTBOX_CLAIMED = "outbox.claimed"
    INVOICE_CHANGED = "invoice.changed"
    INVOICE_COMMITTED = "invoice.committed"
    WEBHOOK_INSERTED = "webhook.inserted"
    WEBHOOK_COMMITTED = "webhook.committed"
    OUTBOX_HANDLED = "outbox.handled"
    OUTBOX_MARKED = "outbox.marked"
    EXPIRY_DECIDED = "expiry.decided"
    DELIVERY_CLAIMED = "delivery.claimed"
    DELIVERY_SENT = "delivery.sent"
    DELIVERY_SETTLED = "delivery.settled"
    DELIVERY_COMMITTED = "delivery.committed"
    ADDRESS_PLANNED = "address.planned"
    IDEMPOTENCY_TAKEN = "idempotency.taken"
    INVOICE_INSERTED = "invoice.inserted"
    IDEMPOTENCY_STORED = "idempotency.stored"
    INVOICE_STORED = "invoice.stored"
    OUTSIDE_NOTED = "outside.noted"
    OUTSIDE_BOOKED = "outside.booked"
    PAYOUT_PRICED = "payout.priced"
    PAYOUT_INSERTED = "payout.inserted"
    PAYOUT_RESERVED = "payout.reserved"
    PAYOUT_RELEASED = "payout.released"
    PAYOUT_STORED = "payout.stored"
    PAYOUT_CONFIRMED = "payout.confirmed"
    PAYOUT_WITHDRAWN = "payout.withdrawn"
    PAYOUT_CANCELLED = "payout.cancelled"
    PAYOUT_DECIDED = "payout.decided"
    PAYOUT_FOLLOWED = "payout.followed"
    PAYOUT_COMMITTED = "payout.committed"
    SEND_PLANNED = "send.planned"
    SEND_DRAFTED = "send.drafted"
    SEND_SIGNED = "send.signed"
    SEND_FENCED = "send.fenced"
    SEND_WRITTEN = "send.written"
    SEND_COMMITTED = "send.committed"
    SEND_JOURNALLED = "send.journalled"
    SEND_BROADCAST = "send.broadcast"
    SEND_ANSWERED = "send.answered"
    SEND_REPEATED = "send.repeated"
    SEND_TRACKED = "send.tracked"
    SEND_BOOKED = "send.booked"
    SEND_SETTLED = "send.settled"
    SEND_TRACK_COMMITTED = "send.track_committed"
    SEND_REPLACED = "send.replaced"
    SEND_FROZEN = "send.frozen"
    SEND_REFUSED = "send.refused"
    SEND_QUOTED = "send.quoted"
    TOP_UP_BOOKED = "top_up.booked"
    TOP_UP_REQUESTED = "top_up.requested"
    SWEEP_NOTED = "sweep.noted"
    SWEEP_PLANNED = "sweep.planned"
    SWEEP_BOOKED = "sweep.booked"
    SWEEP_REQUESTED = "sweep.requested"
    SWEEP_COMMITTED = "sweep.committed"
    SWEEP_TAKEN_BACK = "sweep.taken_back"
    SWEEP_FOLLOWED = "sweep.followed"
    COLD_REQUESTED = "cold.requested"
    COLD_COMMITTED = "cold.committed"


class FailpointsRefused(ConfigurationError):
    """CLOUDPAY_FAILPOINTS is set where it must not be, or cannot be read."""

    code = "failpoints_refused"


def _operational(message: str) -> Callable[[], Exception]:
    return lambda: OperationalError("(a failpoint)", {}, sqlite3.OperationalError(message))


def _disk_full() -> Exception:
    return OSError(28, "No space left on device")


ERRORS: Mapping[str, Callable[[], Exception]] = {
    "ENOSPC": _disk_full,
    "full": _operational("database or disk is full"),
    "locked": _operational("database is locked"),
    "gone": _operational("server closed the connection unexpectedly"),
}
"""What `raise:KIND` raises, as the operating system or the database would."""

_RULE = re.compile(
    r"(?P<name>[a-z_.]+)=(?P<action>kill|stall|raise)(?::(?P<word>[\w.]+))?(?:@(?P<first>[1-9]\d*)(?P<on>\+)?)?"
)


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    threading.Event().wait()  # no statement after it may run


@dataclass
class _Rule:
    """What happens at one place, from which passage on."""

    act: Callable[[], None]
    first: int = 1
    again: bool = False
    passages: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def passed(self) -> None:
        with self.lock:
            self.passages += 1
            due = self.passages == self.first or (self.again and self.passages > self.first)
        if due:
            self.act()


_armed: dict[Failpoint, _Rule] = {}


def passing(place: Failpoint) -> None:
    """Mark a place in the code; costs a call and one look at an empty dictionary where nothing is armed."""
    if _armed and place in _armed:
        _armed[place].passed()


def arm(place: Failpoint, act: Callable[[], None], *, first: int = 1, again: bool = False) -> None:
    """Have `act` called at the passage of that number, with `again` at all later ones too: for tests in process."""
    _armed[place] = _Rule(act, first, again)


def disarm() -> None:
    """Forget everything that was armed."""
    _armed.clear()


def arm_from(environment: Mapping[str, str], *, live: bool) -> None:
    """Arm what the environment asks for, and nothing else; raises `FailpointsRefused`."""
    disarm()
    text = environment.get(VARIABLE, "")
    if text and live:
        raise FailpointsRefused(
            f"{VARIABLE} is set, which is for tests alone, and this gateway serves a network with real money. Unset it."
        )
    for rule in filter(None, (each.strip() for each in text.split(","))):
        _arm_rule(rule)


def _arm_rule(text: str) -> None:
    found = _RULE.fullmatch(text)
    if found is None or found["name"] not in set(Failpoint):
        raise FailpointsRefused(
            f"{VARIABLE} has {text!r}, which is no rule such as `page.committed=kill@3` with a name that is known. "
            "See docs/how-to/kill-it.md."
        )
    act = _action(found["action"], found["word"] or "")
    arm(Failpoint(found["name"]), act, first=int(found["first"] or 1), again=bool(found["on"]))


def _action(kind: str, word: str) -> Callable[[], None]:
    if kind == "kill":
        return _kill
    if kind == "stall" and re.fullmatch(r"\d+(\.\d+)?", word):
        return lambda: time.sleep(float(word))
    if kind == "raise" and word in ERRORS:
        return lambda: _fail(ERRORS[word])
    known = ", ".join(ERRORS)
    raise FailpointsRefused(f"{VARIABLE} has {kind}:{word!r}; stall takes seconds, and raise one of {known}.")


def _fail(make: Callable[[], Exception]) -> None:
    raise make()
