"""Drafting: each spend becomes one transaction, which expires, for a fee within all bounds.

A transaction of TRON uses up nothing that another one would need, so that there is nothing to claim: a spend is paid
once because it is signed anew only when what was signed before has expired and is in no solid block.
"""

import hashlib
from collections.abc import Sequence

from cloudpay.chains.spending import Draft, FeeQuote, FeeTier, Prepared, Refusal, Spend, SpendContext
from cloudpay_tron.explaining import bounds_of, expires_at
from cloudpay_tron.node import Node
from cloudpay_tron.prices import Prices, prices
from cloudpay_tron.purses import Purse, purses
from cloudpay_tron.settings import TronSettings
from cloudpay_tron.transactions import Transaction, encode, reference
from cloudpay_tron.trials import Estimate, estimate

_SPREAD_BYTES = 4  # 2**32 milliseconds are 50 days
_TRANSFER_BYTES = 400
"""More than any transfer has, and less than it ever costs: what quotes are reckoned by."""


class Drafter:
    """Drafts for one network, and learns what energy transfers of each token take."""

    def __init__(self, settings: TronSettings) -> None:
        self._settings, self._bounds = settings, bounds_of(settings)
        self._contracts = [each.contract for each in settings.assets.values() if each.contract]
        self._learnt: dict[str, int] = {}

    def quotes(self, node: Node) -> tuple[FeeQuote, ...]:
        """Answer what a transfer of each asset costs at most: the same in every tier, as nobody can bid for a place."""
        asked = prices(node)
        return tuple(
            FeeQuote(tier, contract, self._quote(contract, asked))
            for tier in FeeTier
            for contract in (None, *self._contracts)
        )

    def prepare(self, node: Node, spends: Sequence[Spend], context: SpendContext) -> Prepared:
        """Draft what can be sent now, refuse what would fail, and leave the rest to wait."""
        if context.replaces is not None or not spends:
            return Prepared(())
        asked = prices(node)
        if not asked.within(self._bounds):
            return Prepared(())
        latest, solid = node.required(), node.required(solid=True)
        held = purses(node, spends)
        draft_at = _Place(
            reference(solid.hash), latest.time * 1000, self._settings.expires_after_seconds * 1000
        )
        drafts: list[Draft] = []
        refused: list[Refusal] = []
        for spend in spends:
            purse = held[spend.source]
            if spend.amount > purse.left[spend.contract]:
                continue
            found = estimate(node, spend)
            if found.refusal is not None:
                refused.append(Refusal(spend.id, found.refusal))
                continue
            draft = self._draft(spend, found, purse, context, asked, draft_at)
            drafts += [] if draft is None else [draft]
        return Prepared(tuple(drafts), tuple(refused))

    def _quote(self, contract: str | None, asked: Prices) -> int:
        if contract is None:
            return max(_TRANSFER_BYTES * self._bounds.bandwidth, self._bounds.activation)
        energy = max(self._settings.token_energy, self._learnt.get(contract, 0))
        return self._limit(energy) * asked.energy + _TRANSFER_BYTES * self._bounds.bandwidth

    def _most_energy(self, spend: Spend, found: Estimate, context: SpendContext) -> int:
        """Answer what a transfer takes whatever its payee does before the block: one that holds nothing takes most.

        What its limit allows and it does not use costs nothing. Our own addresses do as we do.
        """
        if spend.contract is None:
            return 0
        learnt = self._learnt[spend.contract] = max(found.energy, self._learnt.get(spend.contract, 0))
        if spend.recipient == context.gas_station or spend.recipient in context.keys:
            return found.energy
        return max(self._settings.token_energy, learnt)

    def _limit(self, energy: int) -> int:
        return energy + -(-energy * self._settings.energy_margin_percent // 100)

    def _draft(
        self,
        spend: Spend,
        found: Estimate,
        purse: Purse,
        context: SpendContext,
        asked: Prices,
        place: "_Place",
    ) -> Draft | None:
        """Draft one; None where the fee is above the cap, or the source cannot pay and nobody pays for it."""
        energy, largest = self._limit(found.energy), self._limit(self._most_energy(spend, found, context))
        transaction = place.transaction(spend, largest * asked.energy)
        if self._bounds.largest_fee(transaction) <= context.fee_cap:
            energy = largest
        else:
            transaction = place.transaction(spend, energy * asked.energy)
        if self._bounds.largest_fee(transaction) > context.fee_cap:
            return None
        size = transaction.bandwidth
        fee = purse.bytes_to_pay(size) * asked.bandwidth
        if found.activates:
            fee = asked.activation  # in place of the bandwidth, not beside it
        elif spend.contract is not None:
            fee += max(0, energy - purse.energy) * asked.energy
        lacks = fee + (spend.amount if spend.contract is None else 0) - purse.left[None]
        needs: tuple[Spend, ...] = ()
        if lacks > 0:
            if spend.contract is None or spend.source == context.gas_station:
                return None
            needs = (Spend(f"{spend.id}:top-up", context.gas_station, spend.source, None, lacks),)
            purse.left[None] = 0
        else:
            purse.left[None] -= fee
            purse.use(size, energy if spend.contract else 0)
        purse.left[spend.contract] -= spend.amount
        signers = (context.keys[spend.source],)
        return Draft((spend,), frozenset(), needs, expires_at(transaction), signers, encode(transaction))


class _Place:
    """Where in the chain transactions are drafted: a solid block that they name, and the newest one's time."""

    def __init__(self, named: tuple[bytes, bytes], now: int, life: int) -> None:
        self._named, self._now, self._life = named, now, life

    def transaction(self, spend: Spend, fee_limit: int) -> Transaction:
        """Write a spend down. Its timestamp, which the chain does not look at, tells it from another of the same kind.

        Two payments of the same amount to the same address in the same second would else be one transaction.
        """
        spread = int.from_bytes(hashlib.sha256(spend.id.encode()).digest()[:_SPREAD_BYTES])
        number, block_hash = self._named
        return Transaction(
            ref_block_bytes=number,
            ref_block_hash=block_hash,
            expiration=self._now + self._life,
            timestamp=max(1, self._now - spread),
            owner=spend.source,
            recipient=spend.recipient,
            contract=spend.contract,
            amount=spend.amount,
            fee_limit=fee_limit if spend.contract else 0,
        )
