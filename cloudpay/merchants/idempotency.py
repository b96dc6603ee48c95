"""Idempotency keys: a POST that is sent again gets its first answer and does nothing a second time.

The row is written in the transaction that does the work, so there is never one without the other. In a use case:

    def create(gateway, principal, new, key, render):
        route = "POST /api/invoice"

        def work(session):
            earlier = once(session, gateway, principal, route, key, new)
            if earlier is not None:
                return earlier
            view = ...  # the work itself; when it raises, the row goes with it and the key stays free
            return remember(session, principal, route, key, 201, render(view))

        return gateway.db.run(work)

`once` inserts the row first: a second request with the same key waits at the unique constraint until the first has
committed, and then reads its answer; when the first rolled back, the second does the work.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.errors import Conflict
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.pruning import delete_batch
from cloudpay.kernel.pruning import prune as prune_batches
from cloudpay.kernel.upsert import upsert
from cloudpay.merchants.models import IdempotencyKey
from cloudpay.merchants.principal import Principal

KEPT = timedelta(hours=24)


class IdempotencyKeyReused(Conflict):
    """The key was sent before with another content."""

    code: ClassVar[str] = "idempotency_key_reused"

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The Idempotency-Key {key!r} was used for another request in the last 24 hours; "
            "send the same content again, or use a new key."
        )
        self.key = key


@dataclass(frozen=True)
class StoredAnswer:
    """What a request was answered: HTTP status and JSON text; `replayed` when it is the answer to an earlier one."""

    status: int
    body: str
    replayed: bool = False


def once(
    session: Session, gateway: Gateway, principal: Principal, route: str, key: str | None, content: object
) -> StoredAnswer | None:
    """Take the key for this transaction; the earlier answer when there is one, None when the work is to be done.

    `content` is a dataclass, or what JSON can hold; without a key there is nothing to take.
    Raises `IdempotencyKeyReused`.
    """
    if key is None:
        return None
    now, content_hash = gateway.clock.now(session), fingerprint(content)
    mine = _mine(principal, route, key)
    fresh = {"id": new_id("idk_"), "content_hash": content_hash, "status": 0, "body": "", "created_at": now}
    insert = upsert(session, IdempotencyKey).values(
        merchant_id=principal.merchant_id, livemode=principal.livemode, route=route, key=key, **fresh
    )
    taking = insert.on_conflict_do_update(  # one that is too old to be remembered is as good as none
        index_elements=["merchant_id", "route", "key"],
        set_=fresh,
        where=IdempotencyKey.created_at <= now - KEPT,
    )
    taken = session.scalar(taking.returning(IdempotencyKey.id))
    if taken is not None:
        passing(Failpoint.IDEMPOTENCY_TAKEN)
        return None
    row = session.execute(
        select(IdempotencyKey.content_hash, IdempotencyKey.status, IdempotencyKey.body).where(*mine)
    ).one()
    if row.content_hash != content_hash:
        raise IdempotencyKeyReused(key)
    return StoredAnswer(row.status, row.body, replayed=True)


def remember(
    session: Session, principal: Principal, route: str, key: str | None, status: int, body: str
) -> StoredAnswer:
    """Keep the answer beside the work of the same transaction, and answer it; only successes come here."""
    if key is not None:
        statement = update(IdempotencyKey).where(*_mine(principal, route, key))
        session.execute(statement.values(status=status, body=body))
        passing(Failpoint.IDEMPOTENCY_STORED)
    return StoredAnswer(status, body)


def prune(gateway: Gateway) -> int:
    """Remove keys older than a day; answers how many."""

    def batch(session: Session) -> int:
        old = IdempotencyKey.created_at <= gateway.clock.now(session) - KEPT
        found = select(IdempotencyKey.id).where(old).order_by(IdempotencyKey.created_at)
        return delete_batch(session, IdempotencyKey.id, found)

    return prune_batches(gateway.db, batch)


def fingerprint(content: object) -> str:
    """A hash that is equal for equal content, in whatever order its fields came."""
    text = json.dumps(content, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return str(value)


def _mine(principal: Principal, route: str, key: str) -> tuple[Any, ...]:
    return (
        IdempotencyKey.merchant_id == principal.merchant_id,
        IdempotencyKey.route == route,
        IdempotencyKey.key == key,
    )
