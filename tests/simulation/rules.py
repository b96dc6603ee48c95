"""What must hold after every step: each change that was committed is held against what truly happened."""

from collections.abc import Callable, Mapping

from cloudpay.chains.registry import Chains
from cloudpay.testing import FakeChain, FixedClock
from tests.simulation.arriving import Arriving
from tests.simulation.asking import Asking
from tests.simulation.booking import Booking
from tests.simulation.holding import Hold
from tests.simulation.looking import Looking
from tests.simulation.mirror import Mirror, Row
from tests.simulation.nodes import Node
from tests.simulation.store import Store
from tests.simulation.telling import Telling
from tests.simulation.truth import Truth


class Rules:
    """The oracle of one run: each part of it sees the changes of its tables, and looks at what a step left."""

    def __init__(
        self,
        store: Store,
        clock: FixedClock,
        chains: Chains,
        fakes: Mapping[str, FakeChain],
        nodes: Mapping[str, Node],
        masters: Mapping[str, str],
    ) -> None:
        self._store, self._masters = store, masters
        mine = {code: nodes[code] for code in fakes}
        self.mirror, self.hold = Mirror(), Hold()
        self.truths = {
            code: Truth(chain, self.mirror.addresses, self._is_own) for code, chain in fakes.items()
        }
        self.telling = Telling(self.mirror, self.hold)
        self.asking = Asking(self.mirror, self.hold, clock, mine, self.telling)
        self.arriving = Arriving(self.mirror, self.hold, chains, self.truths, mine)
        self._looking = Looking(self.mirror, self.hold, clock, mine, self.arriving)
        self._booking = Booking(self.mirror, self.hold)
        self._read: dict[str, Callable[[Row], None]] = {
            "payments": self._payment,
            "invoices": self.asking.invoice,
            "payment_options": self.asking.option,
            "networks": self._looking.network,
            "leases": self._looking.lease,
            "ledger_accounts": self._booking.account,
            "ledger_entries": self._booking.entry,
            "ledger_journals": self._booking.journal,
            "outbox": self.telling.outbox,
            "webhook_deliveries": self.telling.delivery,
        }

    def break_rule(self, rule: str, found: str) -> None:
        """Say that a rule was found broken elsewhere."""
        self.hold(rule, False, found)

    def look(self) -> None:
        """Hold everything that was committed since the last look against every rule."""
        for truth in self.truths.values():
            truth.learn()
        any_change = False
        for table, row in self._store.changes():
            any_change = True
            self._read[table](row)
        self.telling.look()
        for code in self.arriving.taken_back - self._looking.paused:
            unpaused = not self.arriving.shows_all(code)
            self.hold("what was final is taken back with a pause", unpaused, code)
        self.arriving.taken_back.clear()
        self._looking.paused = {
            code for code, row in self.mirror.networks.items() if row["status"] == "paused"
        }
        if any_change:
            self.arriving.look()
            self._booking.look()

    def _payment(self, row: Row) -> None:
        self.arriving.payment(row)
        self._booking.touch(row)

    def _is_own(self, sender: str, recipient: str) -> bool:
        """Say whether a merchant's own address sends to one of its deposit addresses."""
        merchant = self.mirror.invoices[self.mirror.addresses[recipient]]["merchant_id"]
        invoice = self.mirror.addresses.get(sender)
        same = invoice is not None and self.mirror.invoices[invoice]["merchant_id"] == merchant
        return same or self._masters.get(merchant) == sender
