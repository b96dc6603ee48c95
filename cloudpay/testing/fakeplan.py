"""How a fake chain drafts: one transaction for each spend, none for what cannot be paid for."""

from collections import Counter

from cloudpay.chains.spending import Draft, Spend, SpendContext
from cloudpay.testing.fakepool import FakePool, outbid
from cloudpay.testing.fakewire import Wire, claim_of
from cloudpay.testing.ledger import HoldingKey


class FakePlan:
    """One call of `prepare`: what is taken and what is promised already, the mempool's transactions included."""

    def __init__(self, pool: FakePool, context: SpendContext) -> None:
        self._pool, self._context = pool, context
        self._replaced = Wire.decode(context.replaces.unsigned) if context.replaces else None
        self._taken = set(context.taken)
        self._next: dict[str, int] = {}
        self._promised = Counter[HoldingKey]()
        slot = (self._replaced.source, self._replaced.nonce) if self._replaced else None
        for each in pool.waiting():
            if (each.origin, each.nonce) != slot:
                self._promised[each.origin, None] += max(each.fee, each.limit)
                for move in each.moves:
                    self._promised[move.sender, move.contract] += move.amount

    def draft(self, spend: Spend) -> Draft | None:
        """Draft a spend; None where it has to wait: for money, for a lower price, for its claim to be settled."""
        nonce, fee = self._nonce(spend.source), self._fee(spend)
        if nonce is None or fee > self._context.fee_cap:
            return None
        needs = self._needs(spend, fee)
        if needs is None:
            return None
        wire = Wire(
            self._pool.network, spend.source, nonce, spend.recipient, spend.contract, spend.amount, fee
        )
        if not needs:  # what has needs is drafted again after them, and takes nothing until then
            self._taken.add(wire.claim)
            self._promised[spend.source, None] += fee
            self._promised[spend.source, spend.contract] += spend.amount
        signers = (self._context.keys[spend.source],)
        return Draft((spend,), frozenset({wire.claim}), needs, None, signers, wire.encode())

    def _needs(self, spend: Spend, fee: int) -> tuple[Spend, ...] | None:
        """What a token's sender lacks of the native coin; None where a spend cannot be paid for."""
        native = self._free((spend.source, None))
        if spend.contract is None:
            return () if native >= spend.amount + fee else None
        if self._free((spend.source, spend.contract)) < spend.amount:
            return None
        if native >= fee:
            return ()
        station = self._context.gas_station
        if self._replaced or spend.source == station:
            return None
        return (Spend(f"{spend.id}:top-up", station, spend.source, None, fee - native),)

    def _free(self, holding: HoldingKey) -> int:
        return self._pool.held(holding) - self._promised[holding]

    def _fee(self, spend: Spend) -> int:
        asked = self._pool.price(self._context.tier, spend.contract)
        return max(asked, outbid(self._replaced.fee)) if self._replaced else asked

    def _nonce(self, source: str) -> int | None:
        """The lowest free one, or that of what is replaced; None when a block has taken that already."""
        used = self._pool.sequence(source)
        if self._replaced:
            return self._replaced.nonce if self._replaced.nonce >= used else None
        nonce = self._next.get(source, used)
        while claim_of(source, nonce) in self._taken:
            nonce += 1
        self._next[source] = nonce
        return nonce
