import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cloudpay.audit.models import AuditEntry
from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.merchants.idempotency import (
    IdempotencyKeyReused,
    StoredAnswer,
    fingerprint,
    once,
    prune,
    remember,
)
from cloudpay.merchants.models import IdempotencyKey
from cloudpay.merchants.principal import Principal
from cloudpay.merchants.service import MerchantView, create_merchant
from cloudpay.testing import FixedClock

ROUTE = "POST /api/thing"


def _principal(merchant: MerchantView) -> Principal:
    return Principal("key_1", merchant.id, merchant.livemode, frozenset())


def _do(
    gateway: Gateway, principal: Principal, key: str | None, content: object = "a", route: str = ROUTE
) -> StoredAnswer:
    """A use case whose work leaves one audit entry each time it is really done."""

    def work(session: Session) -> StoredAnswer:
        earlier = once(session, gateway, principal, route, key, content)
        if earlier is not None:
            return earlier
        record(session, actor="system", action="worked", subject=threading.current_thread().name)
        session.flush()
        return remember(session, principal, route, key, 201, f'{{"by": "{threading.get_ident()}"}}')

    return gateway.db.run(work)


def _works(gateway: Gateway) -> int:
    with gateway.db.read() as session:
        return (
            session.scalar(select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "worked"))
            or 0
        )


def test_the_same_request_again_gets_the_same_answer_and_does_nothing(
    gateway: Gateway, merchant: MerchantView
) -> None:
    first = _do(gateway, _principal(merchant), "k")
    again = _do(gateway, _principal(merchant), "k")
    assert (first.status, first.body) == (again.status, again.body)
    assert (first.replayed, again.replayed) == (False, True)
    assert _works(gateway) == 1


def test_parallel_requests_with_one_key_do_the_work_once_and_get_equal_answers(
    gateway: Gateway, merchant: MerchantView
) -> None:
    together = threading.Barrier(6)

    def send(_: int) -> StoredAnswer:
        together.wait(10)
        return _do(gateway, _principal(merchant), "k")

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, range(6)))
    assert len({(answer.status, answer.body) for answer in answers}) == 1
    assert sum(not answer.replayed for answer in answers) == 1
    assert _works(gateway) == 1


def test_another_content_with_the_same_key_is_refused(gateway: Gateway, merchant: MerchantView) -> None:
    _do(gateway, _principal(merchant), "k", {"amount": "1"})
    with pytest.raises(IdempotencyKeyReused):
        _do(gateway, _principal(merchant), "k", {"amount": "2"})
    assert _works(gateway) == 1


def test_a_failure_is_not_stored_and_leaves_the_key_free(gateway: Gateway, merchant: MerchantView) -> None:
    principal = _principal(merchant)

    def work(session: Session) -> None:
        assert once(session, gateway, principal, ROUTE, "k", "a") is None
        raise RuntimeError("it failed")

    with pytest.raises(RuntimeError, match="it failed"):
        gateway.db.run(work)
    assert not _do(gateway, principal, "k").replayed


def test_a_key_counts_for_its_merchant_and_its_route_alone(gateway: Gateway, merchant: MerchantView) -> None:
    other = create_merchant(gateway, "Other", livemode=False, payout_currencies={}, actor="cli:a")
    _do(gateway, _principal(merchant), "k")
    assert not _do(gateway, _principal(other), "k").replayed
    assert not _do(gateway, _principal(merchant), "k", route="POST /api/other").replayed


def test_without_a_key_every_request_is_done(gateway: Gateway, merchant: MerchantView) -> None:
    for _ in range(2):
        assert not _do(gateway, _principal(merchant), None).replayed
    assert _works(gateway) == 2


def test_a_key_is_kept_for_a_day_and_then_free_again(
    gateway: Gateway, merchant: MerchantView, clock: FixedClock
) -> None:
    _do(gateway, _principal(merchant), "k")
    clock.advance(timedelta(hours=23, minutes=59))
    assert _do(gateway, _principal(merchant), "k").replayed
    clock.advance(timedelta(minutes=1))
    assert not _do(gateway, _principal(merchant), "k", "other content").replayed


def test_old_keys_are_pruned_and_young_ones_kept(
    gateway: Gateway, merchant: MerchantView, clock: FixedClock
) -> None:
    _do(gateway, _principal(merchant), "old")
    clock.advance(timedelta(hours=24))
    _do(gateway, _principal(merchant), "young")
    assert prune(gateway) == 1
    with gateway.db.read() as session:
        assert session.scalars(select(IdempotencyKey.key)).all() == ["young"]


def test_equal_content_has_an_equal_fingerprint_whatever_its_order() -> None:
    @dataclass(frozen=True)
    class Wanted:
        amount: Decimal
        name: str

    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert fingerprint(Wanted(Decimal("1.0"), "x")) == fingerprint(Wanted(Decimal("1.0"), "x"))
    assert fingerprint(Wanted(Decimal("1.0"), "x")) != fingerprint(Wanted(Decimal("1.1"), "x"))
