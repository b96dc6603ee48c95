"""The rules of the ledger: both sides of a journal, each fact once, and in all what is final."""

from collections import defaultdict

from cloudpay.payments.states import PAYMENT, PaymentStatus
from tests.simulation.holding import Hold
from tests.simulation.mirror import FINAL, Account, Mirror, Row, account, amount


class Booking:
    """Holds the ledger against the payments that are final."""

    def __init__(self, mirror: Mirror, hold: Hold) -> None:
        self._mirror, self._hold = mirror, hold
        self._dirty: set[Account] = set()
        self._entries: defaultdict[str, list[Row]] = defaultdict(list)
        self._journals: dict[str, str] = {}

    def touch(self, payment: Row) -> None:
        """Note that what is final has changed."""
        self._dirty.add(account(payment))

    def outside(self, row: Row, *, final: bool) -> None:
        """See what came or left past the gateway begin, or change; `final`: its block was told as such."""
        old = self._mirror.put_outside(row)
        was = None if old is None else old["status"]
        if was != row["status"]:
            self._hold.transition(PAYMENT, PaymentStatus, was, row["status"])
        if row["status"] == FINAL:
            self._hold("only what is final is booked", final, row, "in no block that was told as final")
        self._dirty.add(account(row))

    def account(self, row: Row) -> None:
        """See a balance."""
        self._mirror.accounts[account(row), row["kind"]] = row
        self._dirty.add(account(row))

    def entry(self, row: Row) -> None:
        """See one side of a journal."""
        self._entries[row["journal_id"]].append(row)

    def journal(self, row: Row) -> None:
        """See a journal begin."""
        self._hold("a fact is booked once", row["reference"] not in self._journals, row["reference"])
        self._journals[row["reference"]] = row["id"]

    def look(self) -> None:
        """Look at what a step left."""
        for lines in self._entries.values():
            debits = amount([each for each in lines if each["side"] == "debit"])
            self._hold("debits are credits", 2 * debits == amount(lines) > 0, lines)
        self._entries.clear()
        for each in self._dirty:
            found = {kind: self._held(each, kind) for kind in ("deposits", "receipts", "master")}
            final, moved = self._mirror.final[each], self._mirror.moved
            right = {"deposits": final + moved[each, True], "receipts": -final, "master": moved[each, False]}
            self._hold("the ledger holds what is final", found == right, each, ":", found, "not", right)
        self._dirty.clear()

    def _held(self, whose: Account, kind: str) -> int:
        row = self._mirror.accounts.get((whose, kind))
        return 0 if row is None else int(row["debits"]) - int(row["credits"])
