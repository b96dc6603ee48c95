"""The processes that are killed while money goes out, and which of them comes by which failpoint."""

from collections.abc import Mapping, Sequence

from cloudpay.kernel.failpoints import Failpoint as Place

_COMMITS = (Place.TRANSACTION_COMMITTED, Place.NUDGE_DUE)
PLACES: Mapping[str, Sequence[Place]] = {
    "web": (
        Place.PAYOUT_PRICED, Place.IDEMPOTENCY_TAKEN, Place.PAYOUT_INSERTED, Place.PAYOUT_RESERVED,
        Place.PAYOUT_RELEASED, Place.IDEMPOTENCY_STORED, Place.PAYOUT_STORED, Place.PAYOUT_CONFIRMED,
        Place.PAYOUT_WITHDRAWN, Place.PAYOUT_CANCELLED, Place.PAYOUT_DECIDED, *_COMMITS,
    ),
    "send": (
        Place.LEASE_TAKEN, Place.LEASE_RENEWED, Place.SEND_QUOTED, Place.SEND_PLANNED, Place.SEND_DRAFTED,
        Place.SEND_SIGNED, Place.SEND_FENCED, Place.SEND_WRITTEN, Place.SEND_COMMITTED, Place.SEND_JOURNALLED,
        Place.SEND_BROADCAST, Place.SEND_ANSWERED, Place.SEND_REPEATED, Place.SEND_TRACKED, Place.SEND_BOOKED,
        Place.SEND_SETTLED, Place.SEND_TRACK_COMMITTED, Place.SEND_REPLACED, Place.SEND_REFUSED,
        Place.SEND_FROZEN, Place.TOP_UP_BOOKED, Place.TOP_UP_REQUESTED, Place.SWEEP_TAKEN_BACK, Place.OUTBOX_APPENDED,
        *_COMMITS,
    ),
    "scheduler": (
        Place.SWEEP_PLANNED, Place.SWEEP_BOOKED, Place.SWEEP_REQUESTED, Place.SWEEP_COMMITTED, Place.COLD_REQUESTED,
        Place.COLD_COMMITTED,
    ),
    "events": (
        Place.OUTBOX_CLAIMED, Place.PAYOUT_FOLLOWED, Place.PAYOUT_COMMITTED, Place.WEBHOOK_INSERTED,
        Place.WEBHOOK_COMMITTED, Place.OUTBOX_HANDLED, Place.OUTBOX_MARKED, Place.SWEEP_NOTED,
        Place.SWEEP_FOLLOWED, Place.OUTBOX_APPENDED,
        *_COMMITS,
    ),
    "webhooks": (
        Place.DELIVERY_CLAIMED, Place.DELIVERY_SENT, Place.DELIVERY_SETTLED, Place.DELIVERY_COMMITTED,
    ),
    "watch": (
        Place.PAGE_TAKEN_IN, Place.PAGE_REWOUND, Place.OUTSIDE_NOTED, Place.OUTSIDE_BOOKED, Place.PAGE_COMMITTED,
        Place.HEARTBEAT_COMMITTED,
    ),
}  # fmt: skip
"""By process, the failpoints that it comes by while money goes out."""

ROLES = tuple(PLACES)
FUNDED_AT = frozenset((Place.OUTSIDE_NOTED, Place.OUTSIDE_BOOKED))
"""Passed only when money comes to the master wallet, or leaves it past the gateway."""
