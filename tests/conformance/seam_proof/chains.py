"""Two ways to send beside the fake chain's own, which has sequences (EVM): expiry (TRON) and coins (Bitcoin)."""

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import ClassVar

from cloudpay.chains.spending import (
    Answer,
    Broadcast,
    Coin,
    Consumed,
    Draft,
    Explained,
    Payee,
    Prepared,
    Signed,
    Signer,
    Spend,
    SpendContext,
)
from cloudpay.chains.types import BlockRef, Capability, Holding, Transfer, TransferSource
from cloudpay.testing import FakeChain, fake_address
from cloudpay.testing.ledger import FakeBlock, FakeTransaction, Move

LIFETIME = 60
POOL = fake_address("between inputs and outputs")


@dataclass(frozen=True)
class Wire:
    """The bytes of a transaction, readable."""

    source: str
    inputs: tuple[
        tuple[str, str, int], ...
    ]  # claim, its address, its amount; amounts only where it is a coin
    payees: tuple[tuple[str, str | None, int], ...]
    fee: int
    expires_at: int | None
    memo: str

    def encode(self) -> bytes:
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def decode(cls, raw: bytes) -> "Wire":
        table = json.loads(raw.partition(b"|")[0])
        lists = {name: tuple(tuple(each) for each in table[name]) for name in ("inputs", "payees")}
        return cls(**{**table, **lists})

    @property
    def claims(self) -> frozenset[str]:
        return frozenset(claim for claim, _address, _amount in self.inputs)


class SendingChain(FakeChain):
    """What the two have in common: bytes, ids, a mempool with a fee floor."""

    can: ClassVar[Capability] = Capability.TOKENS

    def __init__(self, network: str = "proof") -> None:
        self.time = 1_800_000_000
        super().__init__(network, capabilities=self.can, unix=lambda: self.time)
        self.window = 1_000
        self.wires: dict[str, Wire] = {}

    def mine(self, n: int = 1, *, leave: Collection[str] = ()) -> BlockRef:
        """Mine blocks three seconds apart with whatever can be included and is not to be left."""
        first = self.height + 1
        for _ in range(n):
            self.time += 3
            chosen: list[FakeTransaction] = []
            for each in list(self._ledger.mempool.values()):
                wire = self.wires.get(each.id)
                if wire and wire.expires_at is not None and wire.expires_at < self.time:
                    del self._ledger.mempool[each.id]
                elif each.id in leave:
                    continue
                elif each.fee >= self.floor and (wire is None or self._fits(wire, chosen)):
                    chosen.append(each)
            self._ledger.append(chosen)
        return self._ledger.blocks[first].header.ref

    def sign(self, draft: Draft, signer: Signer) -> Signed:
        digest = hashlib.sha256(draft.unsigned).digest()
        signatures = [signer.sign(path, digest).hex() for path in draft.signers]
        raw = draft.unsigned + b"|" + ",".join(signatures).encode()
        return Signed("0x" + digest.hex(), raw)

    def explain(self, raw: bytes) -> Explained:
        wire = Wire.decode(raw)
        return Explained(tuple(Payee(*each) for each in wire.payees), wire.fee, wire.expires_at)

    def broadcast(self, signed: Sequence[Signed]) -> Sequence[Answer]:
        told = [self._accept(each) for each in signed]
        return [Answer(self.says or each) for each in told]

    def _accept(self, signed: Signed) -> Broadcast:
        wire = Wire.decode(signed.raw)
        if signed.tx_id in self._ledger.mempool or self._ledger.find(signed.tx_id):
            return Broadcast.KNOWN
        rivals = [
            each
            for each in self._ledger.mempool
            if each in self.wires and wire.claims & self.wires[each].claims
        ]
        spent = wire.claims & self._claims_used(self.height)
        if spent or any(self.wires[tx_id].fee >= wire.fee for tx_id in rivals):
            return Broadcast.REJECTED
        waiting = [
            each for each in self._ledger.mempool.values() if each.id in self.wires and each.id not in rivals
        ]
        if sum(self.wires[each.id].source == wire.source for each in waiting) >= self.window:
            return Broadcast.REJECTED
        for tx_id in rivals:
            del self._ledger.mempool[tx_id]
        self.wires[signed.tx_id] = wire
        self._ledger.mempool[signed.tx_id] = self._transaction(signed.tx_id, wire)
        return Broadcast.ACCEPTED

    def consumed(self, claims: Collection[str]) -> Consumed:
        final = self.head().final
        return Consumed(final, frozenset(claims) & self._claims_used(final.height))

    def prepare(self, spends: Sequence[Spend], context: SpendContext) -> Prepared:
        raise AssertionError("each kind of chain drafts in its own way")

    def _transaction(self, tx_id: str, wire: Wire) -> FakeTransaction:
        moves = tuple(Move(wire.source, to, amount, contract) for to, contract, amount in wire.payees)
        return FakeTransaction(tx_id, wire.source, moves, wire.fee, fails=False)

    def _fits(self, wire: Wire, chosen: Sequence[FakeTransaction]) -> bool:  # where nothing orders
        return True

    def _claims_used(self, height: int) -> frozenset[str]:
        ids = [each.transaction.id for block in self._ledger.blocks[: height + 1] for each in block.included]
        return frozenset[str]().union(*(self.wires[tx_id].claims for tx_id in ids if tx_id in self.wires))

    def _native(self, address: str) -> int:
        holding = Holding(address, None)
        return self.balances([holding], self.head().latest.ref)[holding]

    def _top_up(self, spend: Spend, fee: int, context: SpendContext) -> tuple[Spend, ...]:
        """The native money that a token's sender lacks for the fee."""
        lacks = fee - self._native(spend.source)
        if spend.contract is None or lacks <= 0:
            return ()
        return (Spend(f"{spend.id}:top-up", context.gas_station, spend.source, None, lacks),)


class ExpiringChain(SendingChain):
    """As TRON: no order, nothing to replace; a transaction lives a minute, and what is absent after that is dead."""

    def prepare(self, spends: Sequence[Spend], context: SpendContext) -> Prepared:
        drafts = []
        for spend in spends:
            fee, expires_at = self.prices[context.tier], self.time + LIFETIME
            payees = ((spend.recipient, spend.contract, spend.amount),)
            # The id is the hash of the contents: without the memo two equal payments in one second would be one.
            wire = Wire(spend.source, (), payees, fee, expires_at, memo=spend.id)
            signers, needs = (context.keys[spend.source],), self._top_up(spend, fee, context)
            drafts.append(Draft((spend,), frozenset(), needs, expires_at, signers, wire.encode()))
        return Prepared(tuple(drafts))


class CoinChain(SendingChain):
    """As Bitcoin: outputs are spent whole, many in and many out; what shares an input with another replaces it."""

    can = Capability.TRACES | Capability.MULTI_OUTPUT | Capability.REPLACEABLE | Capability.MEMPOOL

    def __init__(self, network: str = "proof") -> None:
        super().__init__(network)
        self.genesis: list[Coin] = []

    def give(self, address: str, amount: int) -> Coin:
        """Let an address have had a coin from the beginning."""
        self.fund(address, amount)
        self.genesis.append(Coin(f"genesis:{len(self.genesis)}", address, amount))
        return self.genesis[-1]

    def coins(self) -> tuple[Coin, ...]:
        """Every output that no block has spent: the core's own table, in the product."""
        return tuple(self._unspent(self.height).values())

    def prepare(self, spends: Sequence[Spend], context: SpendContext) -> Prepared:
        again = context.replaces.claims if context.replaces else frozenset()
        free = [each for each in context.coins if each.claim in again or each.claim not in context.taken]
        free.sort(key=lambda coin: coin.claim not in again)  # what is replaced must share its inputs
        fee, chosen = self.prices[context.tier], list[Coin]()
        wanted = sum(spend.amount for spend in spends) + fee
        while free and (sum(each.amount for each in chosen) < wanted or free[0].claim in again):
            chosen.append(free.pop(0))
        change = sum(each.amount for each in chosen) - wanted
        if change < 0 or not again <= {each.claim for each in chosen}:
            return Prepared(())  # too little; or an input of what should be replaced is spent by now
        payees = [(spend.recipient, None, spend.amount) for spend in spends]
        if change:
            payees.append((spends[0].source, None, change))
        inputs = tuple((each.claim, each.address, each.amount) for each in chosen)
        wire = Wire(spends[0].source, inputs, tuple(payees), fee, None, memo="")
        signers = tuple(context.keys[each.address] for each in chosen)
        return Prepared((Draft(tuple(spends), wire.claims, (), None, signers, wire.encode()),))

    def _transaction(self, tx_id: str, wire: Wire) -> FakeTransaction:
        spent = tuple(Move(address, POOL, amount) for _claim, address, amount in wire.inputs)
        made = tuple(Move(POOL, to, amount) for to, _contract, amount in wire.payees)
        return FakeTransaction(tx_id, POOL, (*spent, *made), wire.fee, fails=False)

    def _fits(self, wire: Wire, chosen: Sequence[FakeTransaction]) -> bool:
        taken = frozenset[str]().union(
            *(self.wires[each.id].claims for each in chosen if each.id in self.wires)
        )
        return wire.claims <= self._unspent(self.height).keys() - taken

    def _unspent(self, height: int) -> dict[str, Coin]:
        made = {coin.claim: coin for coin in self.genesis}
        for block in self._ledger.blocks[: height + 1]:
            for each in block.included:
                outputs = [move for move in each.transaction.moves if move.recipient != POOL]
                names = [f"{each.transaction.id}:{number}" for number in range(len(outputs))]
                made |= {
                    name: Coin(name, out.recipient, out.amount)
                    for name, out in zip(names, outputs, strict=True)
                }
        return {claim: coin for claim, coin in made.items() if claim not in self._claims_used(height)}

    def _transfers(self, block: FakeBlock) -> Iterator[Transfer]:
        """One transfer for each output; it has a sender only where all inputs are one address's."""
        for each in super()._transfers(block):
            wire = self.wires.get(each.tx_id)
            owners = {address for _claim, address, _amount in wire.inputs} if wire else {each.sender}
            if each.recipient != POOL:
                sender = owners.pop() if len(owners) == 1 else None
                yield replace(each, sender=sender, source=TransferSource.NATIVE)
