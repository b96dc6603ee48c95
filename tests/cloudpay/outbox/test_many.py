"""Many events of one name are recorded by one statement, as one by one."""

from cloudpay.chains.gateway import Gateway
from cloudpay.outbox.service import OutboxEvent, append, append_many, drain


def test_many_events_are_handed_on_in_order_like_single_ones(gateway: Gateway) -> None:
    found: list[tuple[str, object]] = []

    def handler(_gateway: Gateway, event: OutboxEvent) -> None:
        found.append((event.subject, event.payload.get("number")))

    with gateway.db.transaction() as session:
        append(session, gateway.clock, "thing.changed", "first", {"number": 0})
        session.flush()
        append_many(
            session, gateway.clock, "thing.changed", [(f"s{each}", {"number": each}) for each in (1, 2, 3)]
        )
        append_many(session, gateway.clock, "thing.changed", [])
    assert drain(gateway, {"thing.changed": [handler]}) == 4
    assert found == [("first", 0), ("s1", 1), ("s2", 2), ("s3", 3)]
