"""What a fake chain's node does with signed transactions, and what a test has it do instead."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from cloudpay.chains.spending import Answer, Broadcast, FeeTier, Signed
from cloudpay.testing.addresses import key_address
from cloudpay.testing.fakescript import FakeScript
from cloudpay.testing.fakewire import Wire, id_of, signed_by_source
from cloudpay.testing.ledger import SEQUENCE, FakeTransaction, HoldingKey, Move

_TOKEN_COSTS = 3
Slots = dict[str, dict[int, FakeTransaction]]
"""What waits with a nonce, by address and nonce."""


class FakePool(FakeScript):
    """Takes signed transactions in, each address's in the order of their nonces, and lets a dearer one replace one.

    What `send` and `transact` put into the mempool beside them has no signature and no nonce: it is other people's.
    """

    def __init__(
        self, *arguments: Any, address_of: Callable[[bytes], str] = key_address, **named: Any
    ) -> None:
        super().__init__(*arguments, **named)
        self.prices = {FeeTier.LOW: 10, FeeTier.MEDIUM: 20, FeeTier.HIGH: 40}
        """What the node asks for a native transfer; a token's costs three times as much."""
        self.floor = 0
        """The least fee that miners take; what pays less waits."""
        self.refund = 0
        """By how much less than its largest fee a signed transaction costs once it is included."""
        self.window = 16
        """How many unconfirmed transactions the node takes of one address."""
        self.windows: dict[str, int] = {}
        """The same for single addresses, such as delegated ones."""
        self.says: Broadcast | None = None
        """What the node answers to every broadcast instead of the truth; bytes are taken in all the same."""
        self.heard: list[Signed] = []
        """Everything that was broadcast while the node was up, in order."""
        self.refusing: set[str] = set()
        """Recipients that can receive nothing: no transfer to them is drafted, and a signed one is reverted."""
        self.reverting: set[str] = set()
        """Recipients, or ids of transactions, that look well and are reverted once they are included."""
        self._address_of = address_of

    def forget(self) -> None:
        """Lose the mempool, as a node does when it is full or restarted."""
        with self._lock:
            self._ledger.mempool.clear()

    def spend_from_outside(
        self,
        source: str,
        recipient: str,
        amount: int,
        contract: str | None = None,
        *,
        nonce: int | None = None,
    ) -> str:
        """Have somebody else who has the key send, by default with the next nonce, in place of what waits with it.

        Answers the transaction's id; `mine()` includes it. Raises `ValueError` when the money is not there.
        """
        with self._lock:
            number = self._ledger.balance((source, SEQUENCE), self.height) if nonce is None else nonce
            rival = self._slots().get(source, {}).get(number)
            if rival:
                del self._ledger.mempool[rival.id]
            tx_id = self.send(recipient, amount, contract, source, origin=source)
            foreign = replace(self._ledger.mempool[tx_id], nonce=number, limit=2**64)
            self._ledger.mempool[tx_id] = foreign
            return tx_id

    # What the node knows

    def price(self, tier: FeeTier, contract: str | None) -> int:
        """Answer what the node asks for a transfer."""
        return self.prices[tier] * (_TOKEN_COSTS if contract else 1)

    def window_of(self, address: str) -> int:
        """Answer how many unconfirmed transactions the node takes of an address."""
        return self.windows.get(address, self.window)

    def held(self, holding: HoldingKey) -> int:
        """Answer a balance at the head that the node tells."""
        return self._ledger.balance(holding, self._visible())

    def sequence(self, address: str) -> int:
        """Answer the first nonce that no block up to the node's head has used."""
        return self.held((address, SEQUENCE))

    def waiting(self) -> Collection[FakeTransaction]:
        """Answer what waits in the mempool."""
        return self._ledger.mempool.values()

    # Inside

    def _take_in(self, signed: Sequence[Signed]) -> list[Answer]:
        slots = self._slots()
        self.heard += signed
        return [self._judge(each, slots) for each in signed]

    def _judge(self, signed: Signed, slots: Slots) -> Answer:
        """Answer as a node does, in geth's words, and put into the mempool what is right."""
        try:
            wire = Wire.decode(signed.raw)
        except ValueError as error:
            return Answer(Broadcast.REJECTED, str(error))
        if not self._is_authentic(signed, wire):
            return Answer(Broadcast.REJECTED, "invalid sender")
        if signed.tx_id in self._ledger.mempool or self._ledger.find(signed.tx_id):
            return Answer(Broadcast.KNOWN, "already known")
        others = slots[wire.source]
        rival = others.get(wire.nonce)
        objection = self._objection(wire, rival, len(others))
        if objection:
            return Answer(Broadcast.REJECTED, objection)
        if rival:
            del self._ledger.mempool[rival.id]
        move = Move(wire.source, wire.recipient, wire.amount, wire.contract)
        fee = max(0, wire.fee - self.refund)
        others[wire.nonce] = FakeTransaction(
            signed.tx_id, wire.source, (move,), fee, fails=False, nonce=wire.nonce, limit=wire.fee
        )
        self._ledger.mempool[signed.tx_id] = others[wire.nonce]
        return Answer(Broadcast.ACCEPTED)

    def _is_authentic(self, signed: Signed, wire: Wire) -> bool:
        ours = signed.tx_id == id_of(signed.raw) and wire.network == self.network
        return ours and signed_by_source(signed.raw, self._address_of)

    def _objection(self, wire: Wire, rival: FakeTransaction | None, waiting: int) -> str:
        if wire.nonce < self._ledger.balance((wire.source, SEQUENCE), self.height):
            return "nonce too low"
        if rival and wire.fee < outbid(rival.limit):
            return "replacement transaction underpriced"
        costs = wire.fee + (wire.amount if wire.contract is None else 0)
        if self._ledger.balance((wire.source, None), self.height) < costs:
            return "insufficient funds for gas * price + value"
        if not rival and waiting >= self.window_of(wire.source):
            return "txpool is full"
        return ""

    def _slots(self) -> Slots:
        slots: Slots = defaultdict(dict)
        for each in self.waiting():
            if each.nonce is not None:
                slots[each.origin][each.nonce] = each
        return slots

    def _minable(self, leave: Collection[str] = ()) -> list[FakeTransaction]:
        """What miners would take, each address's transactions in the order of their nonces."""
        waiting = [each for each in super()._minable(leave) if each.nonce is None or each.limit >= self.floor]
        turns: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for each in waiting:
            if each.nonce is not None:
                heapq.heappush(turns[each.origin], (each.nonce, each.id))
        return [
            each
            if each.nonce is None
            else self._tried(self._ledger.mempool[heapq.heappop(turns[each.origin])[1]])
            for each in waiting
        ]

    def _tried(self, transaction: FakeTransaction) -> FakeTransaction:
        names = {transaction.id, *(move.recipient for move in transaction.moves)}
        return replace(transaction, fails=bool(names & (self.reverting | self.refusing)))


def outbid(fee: int) -> int:
    """Answer the least fee that replaces one: a tenth more."""
    return fee + max(1, -(-fee // 10))
