"""The states of a payment and of a network, and which may follow which."""

from enum import StrEnum

from cloudpay.kernel.states import Transitions


class PaymentStatus(StrEnum):
    """How sure an incoming transfer is."""

    SEEN = "seen"
    CONFIRMING = "confirming"
    FINAL = "final"
    ORPHANED = "orphaned"


PAYMENT = Transitions(
    "payment",
    {
        PaymentStatus.SEEN: frozenset({PaymentStatus.CONFIRMING, PaymentStatus.ORPHANED}),
        PaymentStatus.CONFIRMING: frozenset({PaymentStatus.FINAL, PaymentStatus.ORPHANED}),
        PaymentStatus.FINAL: frozenset({PaymentStatus.ORPHANED}),
        PaymentStatus.ORPHANED: frozenset({PaymentStatus.SEEN, PaymentStatus.CONFIRMING}),
    },
)


class NetworkStatus(StrEnum):
    """Whether a network may be trusted with money now."""

    UNVERIFIED = "unverified"  # no node has proven yet that it is on the right chain
    ACTIVE = "active"
    STALLED = "stalled"  # the head has not moved, or no node answered, for too long
    PAUSED = "paused"  # by an operator, or by a reorganisation past finality; left by `resume` alone


READABLE = frozenset({NetworkStatus.ACTIVE, NetworkStatus.STALLED})
"""A network is read on only in these states: a node that may be on another chain is never believed."""

NETWORK = Transitions(
    "network",
    {
        NetworkStatus.UNVERIFIED: frozenset(NetworkStatus),
        NetworkStatus.ACTIVE: frozenset(NetworkStatus),
        NetworkStatus.STALLED: frozenset(NetworkStatus),
        NetworkStatus.PAUSED: frozenset({NetworkStatus.PAUSED, NetworkStatus.UNVERIFIED}),
    },
)
