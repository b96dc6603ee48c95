"""The rules of the ledger: both sides of a journal, each fact once, and in all what is final."""

from collections import defaultdict

from tests.simulation.holding import Hold
from tests.simulation.mirror import Account, Mirror, Row, account, amount


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
            held, owed = (self._mirror.accounts.get((each, kind)) for kind in ("deposits", "receipts"))
            lies = 0 if held is None else int(held["debits"]) - int(held["credits"])
            due = 0 if owed is None else int(owed["credits"]) - int(owed["debits"])
            final = self._mirror.final[each]
            fits = lies == due == final
            self._hold("the ledger holds what is final", fits, each, ":", lies, ",", due, ", final", final)
        self._dirty.clear()
