"""The states of an invoice, its qualifiers, and which state may follow which."""

from enum import StrEnum

from cloudpay.kernel.states import Transitions


class InvoiceStatus(StrEnum):
    """Where an invoice stands."""

    PENDING = "pending"
    CONFIRMING = "confirming"
    PAID = "paid"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REVERSED = "reversed"


class InvoiceException(StrEnum):
    """What is unusual about it."""

    UNDERPAID = "underpaid"
    OVERPAID = "overpaid"
    LATE = "late"


class Priority(StrEnum):
    """The fee tier of what the gateway itself sends for an invoice."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


INVOICE = Transitions(
    "invoice",
    {
        InvoiceStatus.PENDING: frozenset(
            {InvoiceStatus.CONFIRMING, InvoiceStatus.PAID, InvoiceStatus.EXPIRED, InvoiceStatus.CANCELLED}
        ),
        InvoiceStatus.CONFIRMING: frozenset(
            {InvoiceStatus.PENDING, InvoiceStatus.PAID, InvoiceStatus.EXPIRED}
        ),
        # A payment that was made in time may be found after the expiry: its block's time decides.
        InvoiceStatus.EXPIRED: frozenset({InvoiceStatus.CONFIRMING, InvoiceStatus.PAID}),
        InvoiceStatus.PAID: frozenset({InvoiceStatus.REVERSED}),
        InvoiceStatus.CANCELLED: frozenset(),
        # By a person's decision alone: settled with the money that came back, or written off.
        InvoiceStatus.REVERSED: frozenset({InvoiceStatus.PAID, InvoiceStatus.CANCELLED}),
    },
)
