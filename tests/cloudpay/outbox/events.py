"""Events that happen in tests, and a handler that listens to them."""

from cloudpay.chains.gateway import Gateway
from cloudpay.outbox.service import Handler, OutboxEvent, Payload, append, drain


def happen(
    gateway: Gateway, *subjects: str, name: str = "thing.happened", payload: Payload | None = None
) -> None:
    """Append an event for each of these, in one transaction."""
    with gateway.db.transaction() as session:
        for subject in subjects:
            append(session, gateway.clock, name, subject, payload)


def almost_happen(gateway: Gateway) -> None:
    """Append an event in a transaction that fails."""
    with gateway.db.transaction() as session:
        append(session, gateway.clock, "thing.happened", "a")
        raise RuntimeError("no")


class Listener:
    """A handler that keeps what it was handed, and fails where it is told to."""

    def __init__(self, fails_on: str = "") -> None:
        self.events: list[OutboxEvent] = []
        self._fails_on = fails_on

    def __call__(self, gateway: Gateway, event: OutboxEvent) -> None:
        """Keep it, and fail if this is the one."""
        self.events.append(event)
        if event.subject == self._fails_on:
            raise RuntimeError("the shop is shut")

    @property
    def subjects(self) -> list[str]:
        """What the events were about."""
        return [event.subject for event in self.events]


def hand_on(gateway: Gateway, *handlers: Handler, limit: int = 100) -> int:
    """Drain the outbox into these."""
    return drain(gateway, {"thing.happened": handlers}, limit=limit)
