"""What the ledger is told and answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from cloudpay.kernel.errors import CloudPayError, FieldErrors, InvalidRequest


class Side(StrEnum):
    """The side of an account that a line goes to."""

    DEBIT = "debit"
    CREDIT = "credit"

    @property
    def other(self) -> "Side":
        """The opposite side: a reversal has the same lines on it."""
        return Side.CREDIT if self is Side.DEBIT else Side.DEBIT


class AccountKind(StrEnum):
    """What an account counts."""

    DEPOSITS = "deposits"  # debit: coins that lie at deposit addresses
    RECEIPTS = "receipts"  # credit: what payers sent, owed to the merchant
    MASTER = "master"  # debit: coins in the master wallet, free to be spent
    RESERVED = "reserved"  # debit: coins in the master wallet, promised to spends
    GAS = "gas"  # debit: coins at a gas station of its own, free to top addresses up with
    GAS_RESERVED = "gas_reserved"  # debit: coins at a gas station of its own, promised to spends
    TRANSIT = "transit"  # debit: coins on their way between two wallets of ours
    FEES = "fees"  # debit: what the chains took
    PAID_OUT = "paid_out"  # debit: what was sent to others
    COLD = "cold"  # debit: what was moved on to a cold wallet
    FUNDING = "funding"  # credit: what came into a wallet of the merchant from outside


@dataclass(frozen=True, order=True)
class AccountKey:
    """Which account; `asset` is the asset's key: the contract, or empty text for the native coin."""

    merchant_id: str
    livemode: bool
    network: str
    asset: str
    kind: AccountKind


@dataclass(frozen=True)
class Line:
    """One line of a booking: a positive amount of base units on one side of an account."""

    account: AccountKey
    side: Side
    amount: int


@dataclass(frozen=True)
class Booking:
    """What is booked together, and the reference under which it is booked once."""

    kind: str
    reference: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Balance:
    """An account's running totals in base units."""

    account: AccountKey
    debits: int
    credits: int

    @property
    def held(self) -> int:
        """What is on an account of the debit kind."""
        return self.debits - self.credits


@dataclass(frozen=True)
class Imbalance:
    """Something in the ledger that does not add up: where, and the two figures that should be equal."""

    where: str
    expected: int
    found: int


@dataclass(frozen=True)
class Shortage:
    """An account that holds less than was asked of it, in base units."""

    account: AccountKey
    needed: int
    available: int


class InsufficientFunds(InvalidRequest):
    """A booking would take more from accounts than they hold, so nothing was booked."""

    code: ClassVar[str] = "insufficient_funds"

    def __init__(
        self, shortages: Sequence[Shortage], message: str = "", errors: FieldErrors | None = None
    ) -> None:
        super().__init__(message or " ".join(_short(each) for each in shortages), errors=errors)
        self.shortages = tuple(shortages)


def _short(shortage: Shortage) -> str:
    name = shortage.account.asset or "the native coin"
    return (
        f"{shortage.needed} base units of {name} on {shortage.account.network} are needed,"
        f" and {shortage.available} are available."
    )


class UnbalancedJournal(CloudPayError):
    """The lines of a booking do not add up, so nothing was booked."""

    code: ClassVar[str] = "unbalanced_journal"

    def __init__(self, reference: str, reason: str) -> None:
        super().__init__(f"The booking {reference!r} was refused: {reason}.")
        self.reference = reference


class JournalConflict(CloudPayError):
    """A reference that was booked before came again with other lines."""

    code: ClassVar[str] = "journal_conflict"

    def __init__(self, reference: str) -> None:
        super().__init__(f"The booking {reference!r} exists with other lines; a booking is never changed.")
        self.reference = reference


class LedgerContention(CloudPayError):
    """An account changed between being locked and being written: the lock did not hold."""

    code: ClassVar[str] = "ledger_contention"

    def __init__(self, account_id: str) -> None:
        super().__init__(f"The ledger account {account_id} changed while it was locked; nothing was booked.")
        self.account_id = account_id
