"""The gateway's rows as they were last committed, kept beside the database so that each rule looks at what changed."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]
Account = tuple[str, bool, str, str]
"""Merchant, mode, network, asset."""

BALANCE = "balance"
ORPHANED = "orphaned"
FINAL = "final"


def moment(text: str) -> datetime:
    """Read a time as either database writes it."""
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


@dataclass
class Mirror:
    """Rows by key, and the sums that the rules need."""

    payments: dict[str, Row] = field(default_factory=dict)
    by_invoice: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    invoices: dict[str, Row] = field(default_factory=dict)
    options: dict[str, Row] = field(default_factory=dict)
    """The one option of each invoice."""
    addresses: dict[str, str] = field(default_factory=dict)
    """The invoice of each deposit address."""
    networks: dict[str, Row] = field(default_factory=dict)
    leases: dict[str, Row] = field(default_factory=dict)
    accounts: dict[tuple[Account, str], Row] = field(default_factory=dict)
    deliveries: dict[str, Row] = field(default_factory=dict)
    events: dict[str, Row] = field(default_factory=dict)
    """The payload of each `invoice.changed` by event id."""
    final: defaultdict[Account, int] = field(default_factory=lambda: defaultdict(int))
    """What is credited, by the payments."""
    outside: dict[str, Row] = field(default_factory=dict)
    moved: defaultdict[tuple[Account, bool], int] = field(default_factory=lambda: defaultdict(int))
    """What came less what left past the gateway and is final; by the account, and whether at deposit addresses."""
    natives: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    """What stands of the native coin, by network and address."""

    def put_payment(self, row: Row) -> Row | None:
        """Take a payment in; answer what it was before."""
        old = self.payments.get(row["id"])
        self.payments[row["id"]] = row
        self.by_invoice[row["invoice_id"]].add(row["id"])
        if old is not None:
            self._count(old, -1)
        self._count(row, 1)
        return old

    def put_outside(self, row: Row) -> Row | None:
        """Take in what came or left past the gateway; answer what it was before."""
        old = self.outside.get(row["id"])
        self.outside[row["id"]] = row
        for each, sign in ((old, -1), (row, 1)):
            if each is not None and each["status"] == FINAL:
                way = -sign if each["leaves"] else sign
                self.moved[account(each), bool(each["at_deposit"])] += way * int(each["amount"])
        return old

    def standing(self, invoice_id: str) -> list[Row]:
        """Answer the payments that count for an invoice: in its asset, on its network, not taken back."""
        option = self.options[invoice_id]
        found = (self.payments[each] for each in self.by_invoice[invoice_id])
        wanted = (option["network"], option["asset"], option["address"])
        return [
            each
            for each in found
            if each["status"] != ORPHANED and (each["network"], each["asset"], each["address"]) == wanted
        ]

    def _count(self, row: Row, sign: int) -> None:
        amount = sign * int(row["amount"])
        if row["status"] == FINAL:
            self.final[account(row)] += amount
        if row["status"] != ORPHANED and row["asset"] == "":
            self.natives[row["network"], row["address"]] += amount


def account(row: Row) -> Account:
    """Answer whose money a payment or an account counts."""
    return row["merchant_id"], bool(row["livemode"]), row["network"], row["asset"]


def on_time(payment: Row, invoice: Row) -> bool:
    """Say whether a payment was seen, or its block made, at or before the expiry."""
    return moment(invoice["expires_at"]) >= min(
        moment(payment["first_seen_at"]), moment(payment["block_time"])
    )


def amount(rows: list[Row]) -> int:
    """Add up."""
    return sum(int(each["amount"]) for each in rows)
