"""The rules of arriving: payments are what the chain holds, each once; what is credited is final, and agreed on."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import partial

from cloudpay.chains.adapter import Opinion
from cloudpay.chains.network import Asset
from cloudpay.chains.registry import Chains
from cloudpay.chains.types import Capability
from cloudpay.payments.states import PAYMENT, NetworkStatus, PaymentStatus
from tests.simulation.holding import Hold
from tests.simulation.mirror import BALANCE, FINAL, ORPHANED, Mirror, Row, moment
from tests.simulation.nodes import Node
from tests.simulation.second import LeftOut
from tests.simulation.truth import MOST_IN_A_GROUP, Group, Identity, Truth


class Arriving:
    """Holds payments against what truly happened on the chains."""

    def __init__(
        self,
        mirror: Mirror,
        hold: Hold,
        chains: Chains,
        truths: Mapping[str, Truth],
        nodes: Mapping[str, Node],
    ) -> None:
        self._mirror, self._hold, self._chains = mirror, hold, chains
        self._truths, self._nodes = truths, nodes
        self._by_identity: dict[tuple[str, Identity], Row] = {}
        self._wrong: set[tuple[str, Identity]] = set()
        self._touched: set[tuple[str, Identity]] = set()
        self._natives: set[tuple[str, str]] = set()
        self.taken_back: set[str] = set()
        """Networks on which a credit was taken back since the last look."""

    def payment(self, row: Row) -> None:
        """See a payment begin, or change."""
        old = self._mirror.put_payment(row)
        if old is None or old["status"] != row["status"]:
            was = None if old is None else old["status"]
            self._hold.transition(PAYMENT, PaymentStatus, was, row["status"])
        if old is not None:
            kept = ("invoice_id", "merchant_id", "network", "address", "asset", "first_seen_at")
            same = all(old[each] == row[each] for each in kept)
            self._hold("what a payment is never changes", same, old, "became", row)
            if old["source"] != BALANCE:
                self._forget(old)
        if row["source"] != BALANCE:
            self._remember(row)
        if row["asset"] == "":
            self._natives.add((row["network"], row["address"]))
        if row["status"] != ORPHANED:
            self._stands(row)
        if old is not None and (old["status"], row["status"]) == (FINAL, ORPHANED):
            self.taken_back.add(row["network"])
        if row["status"] == FINAL and (old is None or old["status"] != FINAL):
            self._credited(row)

    def begin_anew(self, code: str) -> None:
        """See a person have a network begin anew."""
        self._touched.update((code, each) for each in self._truths[code].move(None))

    def look(self) -> None:
        """Follow the gateway to the blocks that it has read up to, and hold what is different there."""
        for code, truth in self._truths.items():
            row = self._mirror.networks.get(code)
            before = truth.cursor
            moved = truth.move(None if row is None else row["cursor_hash"])
            self._touched.update((code, each) for each in moved)
            if before != truth.cursor:
                self._natives.update(key for key in self._mirror.natives if key[0] == code)
        for key in self._touched:
            (self._wrong.discard if self._fits(*key) else self._wrong.add)(key)
        self._touched.clear()
        found = self._difference() if self._wrong else ""
        self._hold("payments are what the chain holds", not self._wrong, found)
        for code, address in self._natives:
            there = self._truths[code].natives[address]
            # Until it is read again, nobody but a balance tells of an own transfer that a node has hidden.
            hidden = self._truths[code].own_unseen(address, partial(self._is_hidden, code))
            known = self._mirror.natives[code, address]
            fits = known <= there + hidden
            self._hold(
                "no more is known than arrived", fits, known, "of", there, "and", hidden, "at", address
            )
        self._natives.clear()

    def read_again(self, code: str) -> None:
        """Note that an operator has had everything read again: nothing is hidden any more."""
        self._nodes[code].hidden.clear()
        self._touched.update((code, each) for each in self._truths[code].read_again())
        self._natives.update(key for key in self._mirror.natives if key[0] == code)
        self.look()

    def hold_found(self, code: str) -> None:
        """Hold that the second reading has found what one node alone has left out."""
        node = self._nodes[code]
        due = {each for each in node.hidden if each.asset and each.group not in node.hidden_twice}
        node.hidden -= due
        missing = [each for each in due if not self._group_fits(code, each.group)]
        self._hold("what one node leaves out another one shows", not missing, code, missing)

    def hold_everything(self) -> None:
        """Hold all that arrived on the chains against all that is known, not only what changed."""
        for code, truth in self._truths.items():
            known = {each for network, each in self._by_identity if network == code}
            self._touched.update((code, each) for each in known | truth.shown.keys())
            self._nodes[code].hidden.clear()
        self.look()
        for code, truth in self._truths.items():
            for address, invoice_id in self._mirror.addresses.items():
                option = self._mirror.options[invoice_id]
                if self.shows_all(code) or (option["network"], option["asset"]) == (code, ""):
                    there, found = truth.natives[address], self._mirror.natives[code, address]
                    self._hold("all that arrived is known", there == found, code, address, there, found)

    def known_of(self, code: str, groups: Collection[Group]) -> list[Group]:
        """Answer those of these groups of which a payment stands."""
        return [each for each in groups if self._known(code, each)]

    def shows_all(self, code: str) -> bool:
        """Say whether a network's nodes show all native money."""
        return Capability.TRACES in self._nodes[code].capabilities

    def _is_hidden(self, code: str, identity: Identity, block: str) -> bool:
        return LeftOut(*identity[:3], block) in self._nodes[code].hidden

    def _stands(self, row: Row) -> None:
        block = self._truths[row["network"]].blocks.get(row["block_hash"])
        at = None if block is None else datetime.fromtimestamp(block.time, UTC)
        fits = at == moment(row["block_time"]) and block is not None and block.height == row["block_height"]
        self._hold("a payment stands in a block that was", fits, row, "and block", block)

    def _credited(self, row: Row) -> None:
        truth, network = self._truths[row["network"]], self._chains.network(row["network"])
        final = row["block_hash"] in truth.final
        self._hold("only what is final is credited", final, row, "in no block that was told as final")
        asset = network.asset_of(row["asset"])
        assert asset is not None, "an unlisted asset was credited"
        if asset.large_amount is not None and int(row["amount"]) >= asset.large_amount:
            self._large(row, asset, network.settings.large_confirmations)
        if self.shows_all(network.code):  # elsewhere a credit may go over from what was inferred
            status = self._mirror.networks[row["network"]]["status"]
            is_open = status == NetworkStatus.ACTIVE
            self._hold("a closed network credits nothing", is_open, row, "while", status)

    def _large(self, row: Row, asset: Asset, confirmations: int) -> None:
        depth = self._truths[row["network"]].highest_told - row["block_height"] + 1
        deep = depth >= confirmations
        self._hold("large amounts wait longer", deep, row, "of", asset.symbol, "was credited", depth, "deep")
        node = self._nodes[row["network"]]
        if Capability.SECOND_OPINION in node.capabilities:
            last = node.opinions.get(row["block_hash"])
            agreed = last is Opinion.AGREED
            self._hold("large amounts are credited where two nodes agree", agreed, row, "which is", last)

    def _remember(self, row: Row) -> None:
        key = (row["network"], _identity(row))
        if row["status"] != ORPHANED:
            twice = key in self._by_identity
            self._hold("a payment exists once", not twice, row, "and", self._by_identity.get(key))
            self._by_identity[key] = row
        self._touched.add(key)

    def _forget(self, row: Row) -> None:
        key = (row["network"], _identity(row))
        if self._by_identity.get(key, row)["id"] == row["id"]:
            self._by_identity.pop(key, None)
        self._touched.add(key)

    def _fits(self, code: str, identity: Identity) -> bool:
        if identity[:3] in self._nodes[code].shown_in_part:
            return self._group_fits(code, identity[:3])
        true = self._truths[code].shown.get(identity)
        row = self._by_identity.get((code, identity))
        if row is None:
            return true is None or self._is_hidden(code, identity, true.block)
        if true is None:
            true = self._truths[code].lies_below(identity, row["block_hash"])
        return true is not None and (int(row["amount"]), row["block_hash"]) == (true.amount, true.block)

    def _group_fits(self, code: str, group: Group) -> bool:
        """Hold like transfers of one transaction as a whole: where one was left out, the others took its number."""
        truth, hidden = self._truths[code], self._nodes[code].hidden
        known = Counter((int(each["amount"]), each["block_hash"]) for each in self._known(code, group))
        there = Counter((each.amount, each.block) for each in truth.of_group(group))
        below = {each for each in known - there if not truth.holds_below(group, *each)}
        missing = [each for each in there - known if LeftOut(*group, each[1]) not in hidden]
        return not below and not missing

    def _known(self, code: str, group: Group) -> list[Row]:
        found = (self._by_identity.get((code, (*group, number))) for number in range(MOST_IN_A_GROUP))
        return [each for each in found if each is not None]

    def _difference(self) -> str:
        return "; ".join(
            f"{code} {identity}: on the chain {self._truths[code].shown.get(identity)}, "
            f"known {self._by_identity.get((code, identity))}"
            for code, identity in sorted(self._wrong)[:3]
        )


def _identity(row: Row) -> Identity:
    return row["tx_id"], row["address"], row["asset"], row["ordinal"]
