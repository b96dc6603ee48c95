"""Handlers that take many events at once."""

from collections.abc import Sequence

from cloudpay.chains.gateway import Gateway
from cloudpay.outbox.service import OutboxEvent, Together, backlog
from tests.cloudpay.outbox.events import Listener, hand_on, happen


def test_events_of_a_name_are_handed_on_together_where_their_handler_takes_many(gateway: Gateway) -> None:
    happen(gateway, "a", "b", "c")
    heard: list[list[str]] = []
    listener = Listener()
    many = Together(lambda _gateway, events: heard.append([event.subject for event in events]))
    assert hand_on(gateway, many, listener) == 3
    assert heard == [["a", "b", "c"]]
    assert listener.subjects == ["a", "b", "c"]
    assert backlog(gateway).waiting == 0


def test_one_event_that_fails_among_many_keeps_none_of_the_others(gateway: Gateway) -> None:
    happen(gateway, "a", "bad", "c")
    heard: list[str] = []

    def handle(_gateway: Gateway, events: Sequence[OutboxEvent]) -> None:
        if any(event.subject == "bad" for event in events):
            raise RuntimeError("the shop is shut")
        heard.extend(event.subject for event in events)

    hand_on(gateway, Together(handle))
    assert heard == ["a", "c"]
    assert (backlog(gateway).waiting, backlog(gateway).failing) == (1, 1)
