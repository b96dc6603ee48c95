"""What payments make of an invoice: one pure decision, the same whenever and however often it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cloudpay.invoices.states import InvoiceException, InvoiceStatus
from cloudpay.payments.states import PaymentStatus
from cloudpay.payments.views import PaymentView


@dataclass(frozen=True)
class Asked:
    """What an option asks for: an amount of an asset at an address."""

    network: str
    asset: str
    address: str
    amount: int

    def matches(self, payment: PaymentView) -> bool:
        """Say whether a payment is what this option asks for: the right asset on the right network."""
        return (payment.network, payment.asset, payment.address) == (self.network, self.asset, self.address)

    def standing(self, payments: Sequence[PaymentView]) -> list[PaymentView]:
        """Answer what has come in for this option and is still on the chain."""
        return [each for each in payments if self.matches(each) and each.status is not PaymentStatus.ORPHANED]


@dataclass(frozen=True)
class Outcome:
    """What an invoice is, given its payments; `completing` is the payment that made it paid."""

    status: InvoiceStatus
    exception: InvoiceException | None
    completing: PaymentView | None = None


def decide(
    status: InvoiceStatus,
    asked: Sequence[Asked],
    payments: Sequence[PaymentView],
    expires_at: datetime,
    *,
    looked_after_expiry: bool,
) -> Outcome:
    """Decide status and qualifier of an invoice.

    `looked_after_expiry` says that a poll which began after the expiry has reached a healthy head on every network of
    the options: only then is "nothing was found" a fact.
    """
    outcomes = [
        _decide_option(status, option, payments, expires_at, looked_after_expiry=looked_after_expiry)
        for option in asked
    ]
    return min(outcomes, key=lambda outcome: (_RANK[outcome.status], outcome.exception is None))


def settled_by(asked: Sequence[Asked], payments: Sequence[PaymentView]) -> Outcome | None:
    """Answer how a reversed invoice is paid again, in time or not; None while no option's final payments cover it."""
    for option in asked:
        standing = option.standing(payments)
        completing = _completing(standing, option.amount)
        if completing is not None:
            total = sum(each.amount for each in standing)
            over = InvoiceException.OVERPAID if total > option.amount else None
            return Outcome(InvoiceStatus.PAID, over, completing)
    return None


_RANK = {  # a paid invoice is paid by one option; the others, which hold nothing, take nothing back
    InvoiceStatus.PAID: 0,
    InvoiceStatus.REVERSED: 1,
    InvoiceStatus.CONFIRMING: 2,
    InvoiceStatus.PENDING: 3,
    InvoiceStatus.EXPIRED: 4,
    InvoiceStatus.CANCELLED: 5,
}


def _decide_option(
    status: InvoiceStatus,
    option: Asked,
    payments: Sequence[PaymentView],
    expires_at: datetime,
    *,
    looked_after_expiry: bool,
) -> Outcome:
    standing = option.standing(payments)
    total = sum(each.amount for each in standing)
    if status is InvoiceStatus.CANCELLED:
        return Outcome(status, InvoiceException.LATE if standing else None)
    if status in (InvoiceStatus.PAID, InvoiceStatus.REVERSED):
        return _after_paid(status, option, standing, total)
    timely = [each for each in standing if each.was_on_time(expires_at)]
    seen = sum(each.amount for each in timely)
    completing = _completing(timely, option.amount)
    over = InvoiceException.OVERPAID if total > option.amount else None
    if completing is not None:
        return Outcome(InvoiceStatus.PAID, over, completing)
    if seen >= option.amount:
        return Outcome(InvoiceStatus.CONFIRMING, over)
    under = InvoiceException.UNDERPAID if seen else None
    if looked_after_expiry or status is InvoiceStatus.EXPIRED:
        return Outcome(InvoiceStatus.EXPIRED, InvoiceException.LATE if total > seen else under)
    return Outcome(InvoiceStatus.PENDING, under)


def _after_paid(status: InvoiceStatus, option: Asked, standing: Sequence[PaymentView], total: int) -> Outcome:
    """A paid invoice stays paid whatever comes, but for money that a deep reorganisation took back."""
    final = sum(each.amount for each in standing if each.status is PaymentStatus.FINAL)
    over = InvoiceException.OVERPAID if total > option.amount else None
    taken_back = status is InvoiceStatus.PAID and final < option.amount
    return Outcome(InvoiceStatus.REVERSED if taken_back else status, over)


def _completing(payments: Sequence[PaymentView], amount: int) -> PaymentView | None:
    """Answer the final payment with which the final ones first reach the amount, in the order of their blocks."""
    reached = 0
    for payment in sorted(payments, key=lambda each: (each.block_height, each.id)):
        if payment.status is PaymentStatus.FINAL:
            reached += payment.amount
            if reached >= amount:
                return payment
    return None
