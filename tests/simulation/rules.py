"""What must hold after every step: each change that was committed is held against what truly happened."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from cloudpay.chains.registry import Chains
from cloudpay.chains.types import Capability
from cloudpay.invoices.states import INVOICE, InvoiceStatus
from cloudpay.kernel.states import Transitions
from cloudpay.payments.states import NETWORK, PAYMENT, NetworkStatus, PaymentStatus
from cloudpay.testing import FakeChain, FixedClock
from tests.simulation.mirror import (
    BALANCE,
    FINAL,
    ORPHANED,
    Account,
    Mirror,
    Row,
    account,
    amount,
    moment,
    on_time,
)
from tests.simulation.nodes import Node
from tests.simulation.store import Store
from tests.simulation.telling import Telling
from tests.simulation.truth import Identity, Truth


class Broken(Exception):
    """A rule does not hold."""

    def __init__(self, rule: str, found: str) -> None:
        super().__init__(f"{rule}: {found}")
        self.rule, self.found = rule, found


class Rules:
    """The oracle of one run."""

    def __init__(
        self,
        store: Store,
        clock: FixedClock,
        chains: Chains,
        fakes: Mapping[str, FakeChain],
        nodes: Mapping[str, Node],
        masters: Mapping[str, str],
    ) -> None:
        self._store, self._clock, self._chains = store, clock, chains
        self._nodes = {code: nodes[code] for code in fakes}
        self.mirror, self._masters = Mirror(), masters
        self.truths = {
            code: Truth(chain, self.mirror.addresses, self._is_own) for code, chain in fakes.items()
        }
        self.checked: Counter[str] = Counter()
        self.telling = Telling(self.mirror, self.hold)
        self.cancelling: set[str] = set()
        """Invoices that somebody has asked to cancel."""
        self.reversed: set[str] = set()
        self.decided = self.telling.decided
        """How often a person decided on an invoice that was reversed."""
        self.keys: dict[str, str] = {}
        """The invoice of each idempotency key, which a run writes into `customer_name`."""
        self._by_identity: dict[tuple[str, Identity], Row] = {}
        self._wrong: set[tuple[str, Identity]] = set()
        self._dirty: set[Account] = set()
        self._touched: set[tuple[str, Identity]] = set()
        self._entries: defaultdict[str, list[Row]] = defaultdict(list)
        self._journals: dict[str, str] = {}
        self._natives: set[tuple[str, str]] = set()
        self._taken_back: set[str] = set()
        """Networks on which a credit was taken back since the last look; and those that were paused since, or then."""
        self._paused: set[str] = set()
        self._read: dict[str, Callable[[Row], None]] = {
            "payments": self._payment,
            "invoices": self._invoice,
            "payment_options": self._option,
            "networks": self._network,
            "leases": self._lease,
            "ledger_accounts": self._account,
            "ledger_entries": lambda row: self._entries[row["journal_id"]].append(row),
            "ledger_journals": self._journal,
            "outbox": self.telling.outbox,
            "webhook_deliveries": self.telling.delivery,
        }

    def hold(self, rule: str, holds: bool, *found: object) -> None:
        """Count a rule that was looked at; raises `Broken` with what was found."""
        self.checked[rule] += 1
        if not holds:
            raise Broken(rule, " ".join(map(str, found)))

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
        for code in self._taken_back - self._paused:
            self.hold("what was final is taken back with a pause", not self._shows_all(code), code)
        self._taken_back.clear()
        self._paused = {code for code, row in self.mirror.networks.items() if row["status"] == "paused"}
        if any_change:
            self._follow_the_chain()
            self._balance()

    def read_again(self, code: str) -> None:
        """Note that an operator has had everything read again: nothing is hidden any more."""
        self.look()
        self._nodes[code].hidden.clear()
        self._touched.update((code, each) for each in self.truths[code].read_again())
        self._follow_the_chain()

    def hold_everything_arrived(self) -> None:
        """Hold all that arrived on the chains against all that is known, not only what changed."""
        for code, truth in self.truths.items():
            known = {each for network, each in self._by_identity if network == code}
            self._touched.update((code, each) for each in known | truth.shown.keys())
            self._nodes[code].hidden.clear()
        self._follow_the_chain()
        for code, truth in self.truths.items():
            for address, invoice_id in self.mirror.addresses.items():
                option = self.mirror.options[invoice_id]
                seen = Capability.TRACES in self._nodes[code].capabilities
                looked_at = seen or (option["network"], option["asset"]) == (code, "")
                if looked_at:
                    there, found = truth.natives[address], self.mirror.natives[code, address]
                    self.hold("all that arrived is known", there == found, code, address, there, found)

    # What is on the chain

    def _payment(self, row: Row) -> None:
        old = self.mirror.put_payment(row)
        if old is None or old["status"] != row["status"]:
            self._transition(PAYMENT, PaymentStatus, None if old is None else old["status"], row["status"])
        if old is not None:
            kept = ("invoice_id", "merchant_id", "network", "address", "asset", "first_seen_at")
            same = all(old[each] == row[each] for each in kept)
            self.hold("what a payment is never changes", same, old, "became", row)
            if old["source"] != BALANCE:
                self._forget(old)
        truth = self.truths[row["network"]]
        if row["source"] != BALANCE:
            self._remember(row)
        if row["asset"] == "":
            self._natives.add((row["network"], row["address"]))
        if row["status"] != ORPHANED:
            block = truth.blocks.get(row["block_hash"])
            at = None if block is None else datetime.fromtimestamp(block.time, UTC)
            fits = (
                at == moment(row["block_time"]) and block is not None and block.height == row["block_height"]
            )
            self.hold("a payment stands in a block that was", fits, row, "and block", block)
        if old is not None and (old["status"], row["status"]) == (FINAL, ORPHANED):
            self._taken_back.add(row["network"])
        if row["status"] == FINAL and (old is None or old["status"] != FINAL):
            self._credited(row)
        self._dirty.add(account(row))

    def _credited(self, row: Row) -> None:
        truth, network = self.truths[row["network"]], self._chains.network(row["network"])
        final = row["block_hash"] in truth.final
        self.hold("only what is final is credited", final, row, "in no block that was told as final")
        asset = network.asset_of(row["asset"])
        assert asset is not None, "an unlisted asset was credited"
        if asset.large_amount is not None and int(row["amount"]) >= asset.large_amount:
            depth = truth.highest_told - row["block_height"] + 1
            deep = depth >= network.settings.large_confirmations
            self.hold("large amounts wait longer", deep, row, "was credited", depth, "deep")
        if self._shows_all(network.code):  # elsewhere a credit may go over from what was inferred
            status = self.mirror.networks[row["network"]]["status"]
            is_open = status == NetworkStatus.ACTIVE
            self.hold("a closed network credits nothing", is_open, row, "while", status)

    def _remember(self, row: Row) -> None:
        key = (row["network"], _identity(row))
        if row["status"] != ORPHANED:
            twice = key in self._by_identity
            self.hold("a payment exists once", not twice, row, "and", self._by_identity.get(key))
            self._by_identity[key] = row
        self._touched.add(key)

    def _forget(self, row: Row) -> None:
        key = (row["network"], _identity(row))
        if self._by_identity.get(key, row)["id"] == row["id"]:
            self._by_identity.pop(key, None)
        self._touched.add(key)

    def _follow_the_chain(self) -> None:
        for code, truth in self.truths.items():
            row = self.mirror.networks.get(code)
            before = truth.cursor
            moved = truth.move(None if row is None else row["cursor_hash"])
            self._touched.update((code, each) for each in moved)
            if before != truth.cursor:
                self._natives.update(key for key in self.mirror.natives if key[0] == code)
        for key in self._touched:
            (self._wrong.discard if self._fits(*key) else self._wrong.add)(key)
        self._touched.clear()
        self.hold(
            "payments are what the chain holds", not self._wrong, self._difference() if self._wrong else ""
        )
        for code, address in self._natives:
            there = self.truths[code].natives[address]
            known = self.mirror.natives[code, address]
            self.hold("no more is known than arrived", known <= there, known, "of", there, "at", address)
        self._natives.clear()

    def _fits(self, code: str, identity: Identity) -> bool:
        true = self.truths[code].shown.get(identity)
        row = self._by_identity.get((code, identity))
        if row is None:
            return true is None or identity[:3] in self._nodes[code].hidden
        if true is None:
            true = self.truths[code].lies_below(identity, row["block_hash"])
        return true is not None and (int(row["amount"]), row["block_hash"]) == (true.amount, true.block)

    def _difference(self) -> str:
        return "; ".join(
            f"{code} {identity}: on the chain {self.truths[code].shown.get(identity)}, "
            f"known {self._by_identity.get((code, identity))}"
            for code, identity in sorted(self._wrong)[:3]
        )

    # The ledger

    def _account(self, row: Row) -> None:
        self.mirror.accounts[account(row), row["kind"]] = row
        self._dirty.add(account(row))

    def _journal(self, row: Row) -> None:
        self.hold("a fact is booked once", row["reference"] not in self._journals, row["reference"])
        self._journals[row["reference"]] = row["id"]

    def _balance(self) -> None:
        for lines in self._entries.values():
            debits = amount([each for each in lines if each["side"] == "debit"])
            self.hold("debits are credits", 2 * debits == amount(lines) > 0, lines)
        self._entries.clear()
        for each in self._dirty:
            held, owed = (self.mirror.accounts.get((each, kind)) for kind in ("deposits", "receipts"))
            lies = 0 if held is None else int(held["debits"]) - int(held["credits"])
            due = 0 if owed is None else int(owed["credits"]) - int(owed["debits"])
            final = self.mirror.final[each]
            fits = lies == due == final
            self.hold("the ledger holds what is final", fits, each, ":", lies, ",", due, ", final", final)
        self._dirty.clear()

    # Networks and leases

    def _network(self, row: Row) -> None:
        old = self.mirror.networks.get(row["code"])
        self.mirror.networks[row["code"]] = row
        if row["status"] == NetworkStatus.PAUSED:
            self._paused.add(row["code"])
        if old is not None and old["status"] != row["status"]:
            self._transition(NETWORK, NetworkStatus, old["status"], row["status"])
        if row["cursor_hash"] is None:  # a person had it begin anew, perhaps in one step with what followed
            self._touched.update((row["code"], each) for each in self.truths[row["code"]].move(None))
        if row["polled_at"] and (old is None or old["polled_at"] != row["polled_at"]):
            told = self._healthy_heads(row, moment(row["polled_at"]))
            self.hold("what was looked at was looked at", told, row["code"], "at", row["polled_at"])

    def _healthy_heads(self, row: Row, since: datetime) -> bool:
        """Say whether a young head was told after that moment, and all up to it has been read."""
        node = self._nodes[row["code"]]
        allowed = timedelta(seconds=node.settings.stalled_after_seconds)
        for at, head in reversed(node.heads):
            if at < since:
                return False
            age = since - datetime.fromtimestamp(head.latest.time, UTC)
            if age <= allowed and (row["cursor_height"] or 0) >= head.latest.height:
                return True
        return False

    def _lease(self, row: Row) -> None:
        old = self.mirror.leases.get(row["name"])
        self.mirror.leases[row["name"]] = row
        if old is not None and old["holder"] != row["holder"]:
            ran_out = moment(old["until"]) < self._clock.moment and row["token"] > old["token"]
            self.hold("a lease is taken over when it has run out", ran_out, old, "became", row)

    # Invoices

    def _option(self, row: Row) -> None:
        known = self.mirror.options.get(row["invoice_id"])
        same = known is None or known == row
        self.hold("a quote never changes", same, known, "became", row)
        self.hold(
            "an address is one invoice's", bool(known) or row["address"] not in self.mirror.addresses, row
        )
        self.mirror.options[row["invoice_id"]] = row
        self.mirror.addresses[row["address"]] = row["invoice_id"]

    def _invoice(self, row: Row) -> None:
        old = self.mirror.invoices.get(row["id"])
        self.mirror.invoices[row["id"]] = row
        if old is None:
            name = row["customer_name"]
            self.hold("a key makes one invoice", self.keys.setdefault(name, row["id"]) == row["id"], name)
            self.telling.begun(row)
            return
        kept = ("merchant_id", "livemode", "callback_url", "created_at", "expires_at", "total_usd")
        self.hold("what an invoice asks never changes", all(old[each] == row[each] for each in kept), row)
        self.telling.changed(old, row)
        if old["status"] == row["status"]:
            return
        self._transition(INVOICE, InvoiceStatus, old["status"], row["status"])
        if old["status"] == InvoiceStatus.REVERSED:
            self.hold("reversed is left by decision", self.decided[row["id"]] > 0, row)
        look = {
            InvoiceStatus.PAID.value: self._paid,
            InvoiceStatus.EXPIRED.value: self._expired,
            InvoiceStatus.REVERSED.value: self._reversed,
            InvoiceStatus.CANCELLED.value: self._cancelled,
        }.get(row["status"])
        if look is not None:
            look(row)

    def _paid(self, row: Row) -> None:
        final = [each for each in self.mirror.standing(row["id"]) if each["status"] == FINAL]
        timely = [each for each in final if on_time(each, row) or row["id"] in self.reversed]
        asked = int(self.mirror.options[row["id"]]["amount"])
        self.hold("paid is paid in full, in time", amount(timely) >= asked, row, ":", final)
        ids = {each["tx_id"] for each in timely}
        named = row["paid_tx"] in ids or (
            row["paid_tx"] is None and any(each.startswith("balance:") for each in ids)
        )
        self.hold("paid names the payment that paid", named, row["paid_tx"], "of", ids)

    def _expired(self, row: Row) -> None:
        expires = moment(row["expires_at"])
        polled = self.mirror.networks[self.mirror.options[row["id"]]["network"]]["polled_at"]
        seen = polled is not None and moment(polled) > expires
        over = self._clock.moment > expires
        self.hold("nothing expires unlooked at", seen and over, row, ", looked at", polled)
        timely = [each for each in self.mirror.standing(row["id"]) if on_time(each, row)]
        asked = int(self.mirror.options[row["id"]]["amount"])
        self.hold("what is paid does not expire", amount(timely) < asked, row, ":", timely)

    def _reversed(self, row: Row) -> None:
        self.reversed.add(row["id"])
        final = [each for each in self.mirror.standing(row["id"]) if each["status"] == FINAL]
        asked = int(self.mirror.options[row["id"]]["amount"])
        self.hold("reversed means money was taken back", amount(final) < asked, row, ":", final)

    def _cancelled(self, row: Row) -> None:
        if row["id"] in self.reversed:
            return  # written off
        standing = [self.mirror.payments[each] for each in self.mirror.by_invoice[row["id"]]]
        none = all(each["status"] == ORPHANED for each in standing)
        asked = row["id"] in self.cancelling
        self.hold("cancelled on request, with nothing received", asked and none, row, ":", standing)

    def _transition(
        self,
        table: Transitions[InvoiceStatus] | Transitions[PaymentStatus] | Transitions[NetworkStatus],
        kind: type[InvoiceStatus] | type[PaymentStatus] | type[NetworkStatus],
        was: str | None,
        now: str,
    ) -> None:
        if was is not None:
            allowed = kind(now) in table.table[kind(was)]  # type: ignore[index]  # table and kind belong together
            self.hold("states follow their tables", allowed, f"a {table.thing} went from {was} to {now}")

    def _is_own(self, sender: str, recipient: str) -> bool:
        """Say whether a merchant's own address sends to one of its deposit addresses."""
        merchant = self.mirror.invoices[self.mirror.addresses[recipient]]["merchant_id"]
        invoice = self.mirror.addresses.get(sender)
        same = invoice is not None and self.mirror.invoices[invoice]["merchant_id"] == merchant
        return same or self._masters.get(merchant) == sender

    def _shows_all(self, code: str) -> bool:
        return Capability.TRACES in self._nodes[code].capabilities


def _identity(row: Row) -> Identity:
    return row["tx_id"], row["address"], row["asset"], row["ordinal"]
