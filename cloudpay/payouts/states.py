"""The states of a payout and of a batch, and which state of a payout may follow which."""

from enum import StrEnum

from cloudpay.kernel.states import Transitions


class PayoutStatus(StrEnum):
    """Where a payout stands; from `queued` on it follows its spend."""

    AWAITING_CONFIRMATION = "awaiting_confirmation"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class BatchStatus(StrEnum):
    """Where a batch stands: it follows from its payouts."""

    AWAITING_CONFIRMATION = "awaiting_confirmation"  # at least one of them does
    PROCESSING = "processing"
    COMPLETED = "completed"  # each has been confirmed, has failed or was cancelled


ENDED = frozenset({PayoutStatus.CONFIRMED, PayoutStatus.FAILED, PayoutStatus.CANCELLED})

_SPENT = frozenset(PayoutStatus) - {PayoutStatus.AWAITING_CONFIRMATION, PayoutStatus.CANCELLED}
_WITHDRAWN = frozenset({PayoutStatus.CANCELLED})

PAYOUT = Transitions(
    "payout",
    {
        PayoutStatus.AWAITING_CONFIRMATION: frozenset({PayoutStatus.QUEUED, PayoutStatus.CANCELLED}),
        # What it is told is how its spend stands now, which may be several steps on, or back: a transaction expires,
        # and a deep reorganisation takes back what was final.
        PayoutStatus.QUEUED: _SPENT - {PayoutStatus.QUEUED} | _WITHDRAWN,
        PayoutStatus.SENDING: _SPENT - {PayoutStatus.SENDING} | _WITHDRAWN,
        PayoutStatus.SENT: _SPENT - {PayoutStatus.SENT} | _WITHDRAWN,
        PayoutStatus.CONFIRMED: _SPENT - {PayoutStatus.CONFIRMED},
        PayoutStatus.FAILED: _SPENT - {PayoutStatus.FAILED},
        PayoutStatus.CANCELLED: frozenset(),
    },
)
