"""The states of a spend and of the transaction that carries it, and which may follow which."""

from enum import StrEnum

from cloudpay.kernel.states import Transitions


class SpendStatus(StrEnum):
    """Where the intent to move an asset stands."""

    QUEUED = "queued"
    SENDING = "sending"  # signed and committed
    SENT = "sent"  # a node has taken it, or it is in a block
    CONFIRMED = "confirmed"
    FAILED = "failed"
    CANCELLED = "cancelled"


SPEND = Transitions(
    "spend",
    {
        SpendStatus.QUEUED: frozenset({SpendStatus.SENDING, SpendStatus.FAILED, SpendStatus.CANCELLED}),
        # Back to the queue when its transaction has expired, and can be included no more.
        SpendStatus.SENDING: frozenset(
            {SpendStatus.SENT, SpendStatus.CONFIRMED, SpendStatus.FAILED, SpendStatus.QUEUED}
        ),
        SpendStatus.SENT: frozenset({SpendStatus.CONFIRMED, SpendStatus.FAILED, SpendStatus.QUEUED}),
        # A reorganisation past finality took it back; the same bytes go again.
        SpendStatus.CONFIRMED: frozenset({SpendStatus.SENT}),
        SpendStatus.FAILED: frozenset({SpendStatus.SENT}),
        SpendStatus.CANCELLED: frozenset(),
    },
)


class TransactionStatus(StrEnum):
    """What the chain has made of a signed transaction."""

    OPEN = "open"  # in no block that we know of
    INCLUDED = "included"
    SETTLED = "settled"  # final, and done
    REVERTED = "reverted"  # final, and without effect but its fee
    EXPIRED = "expired"  # can be in no block any more; its spends were queued anew
    USURPED = "usurped"  # one of its claims was used up by what this gateway did not sign
    ABANDONED = "abandoned"  # a person has looked at a usurped one and let its spends fail


UNDECIDED = (TransactionStatus.OPEN, TransactionStatus.INCLUDED, TransactionStatus.USURPED)
"""Nothing is final about these: nothing of them is booked, and they are looked at on the chain."""

TRANSACTION = Transitions(
    "transaction",
    {
        TransactionStatus.OPEN: frozenset(
            {
                TransactionStatus.INCLUDED,
                TransactionStatus.SETTLED,
                TransactionStatus.REVERTED,
                TransactionStatus.EXPIRED,
                TransactionStatus.USURPED,
            }
        ),
        TransactionStatus.INCLUDED: frozenset(
            {TransactionStatus.OPEN, TransactionStatus.SETTLED, TransactionStatus.REVERTED}
        ),
        TransactionStatus.SETTLED: frozenset({TransactionStatus.INCLUDED, TransactionStatus.OPEN}),
        TransactionStatus.REVERTED: frozenset({TransactionStatus.INCLUDED, TransactionStatus.OPEN}),
        TransactionStatus.EXPIRED: frozenset(),
        # A node that had lost sight of ours may show it again.
        TransactionStatus.USURPED: frozenset(
            {
                TransactionStatus.INCLUDED,
                TransactionStatus.SETTLED,
                TransactionStatus.REVERTED,
                TransactionStatus.ABANDONED,
            }
        ),
        TransactionStatus.ABANDONED: frozenset(),
    },
)
