"""What may become of a delivery."""

from enum import StrEnum

from cloudpay.kernel.states import Transitions


class DeliveryStatus(StrEnum):
    """How far a delivery has come."""

    PENDING = "pending"  # waits for its next attempt
    SENDING = "sending"  # a worker holds it
    SUCCEEDED = "succeeded"  # the endpoint answered 2xx
    FAILED = "failed"  # given up after the last attempt of the schedule
    GONE = "gone"  # the endpoint answered 410: do not call again
    BLOCKED = "blocked"  # its address may not be called


_NONE: frozenset[DeliveryStatus] = frozenset()
_AGAIN = frozenset({DeliveryStatus.PENDING})

# What a worker does to a delivery.
DELIVERY = Transitions(
    "webhook delivery",
    {
        DeliveryStatus.PENDING: frozenset({DeliveryStatus.SENDING}),
        DeliveryStatus.SENDING: frozenset(set(DeliveryStatus) - {DeliveryStatus.SENDING}),
        DeliveryStatus.SUCCEEDED: _NONE,
        DeliveryStatus.FAILED: _NONE,
        DeliveryStatus.GONE: _NONE,
        DeliveryStatus.BLOCKED: _NONE,
    },
)

# What a person or a program may ask for: all of them again, but not one that is on its way at this moment.
REDELIVERY = Transitions(
    "webhook delivery",
    {status: _NONE if status is DeliveryStatus.SENDING else _AGAIN for status in DeliveryStatus},
)
