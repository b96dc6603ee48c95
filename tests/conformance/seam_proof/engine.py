"""The smallest sending loop that keeps the money rules, without a word about any chain."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from cloudpay.chains.spending import (
    Broadcast,
    Coin,
    Draft,
    FeeTier,
    KeyPath,
    Payee,
    Signed,
    Signer,
    Spend,
    SpendContext,
    SpendingAdapter,
)
from cloudpay.chains.types import Capability, TxState

PATIENCE = 3


@dataclass
class Transaction:
    """What carries spends under its claims; any of its attempts may settle it."""

    draft: Draft
    attempts: list[Signed]
    claims: frozenset[str]
    age: int = 0
    answers: list[Broadcast] = field(default_factory=list)


class Engine:
    """Sends spends through any adapter; what a real one commits to SQL, this one keeps in lists."""

    def __init__(
        self,
        adapter: SpendingAdapter,
        signer: Signer,
        keys: dict[str, KeyPath],
        gas_station: str,
        coins: Callable[[], tuple[Coin, ...]] = tuple,
    ) -> None:
        self.adapter, self.signer, self.coins = adapter, signer, coins
        self.keys, self.gas_station = keys, gas_station
        self.queue: dict[str, Spend] = {}
        self.open: list[Transaction] = []
        self.settled: dict[str, str] = {}

    def add(self, spends: Iterable[Spend]) -> None:
        """Queue spends; an id that is known is never queued again."""
        for spend in spends:
            if spend.id not in self.settled and spend.id not in self._carried():
                self.queue.setdefault(spend.id, spend)

    def step(self) -> None:
        """Look what became of everything, then plan, then broadcast what is not included."""
        for transaction in list(self.open):
            self._track(transaction)
        self.plan()
        self.broadcast()

    def plan(self) -> None:
        """Draft, sign and keep; nothing is broadcast that is not kept."""
        ready = list(self.queue.values())
        for draft in self.adapter.prepare(ready, self._context()).drafts if ready else ():
            if draft.needs:  # it is drafted again with every plan, until nothing is needed any more
                self.add(draft.needs)
            elif not draft.claims & self._taken() and self._room(draft) > 0:
                self.open.append(Transaction(draft, [self._sign(draft)], draft.claims))
                for spend in draft.spends:
                    del self.queue[spend.id]

    def broadcast(self) -> None:
        """Hand the newest attempt of every open transaction to the chain: the same bytes again and again."""
        for transaction in self.open:
            transaction.answers += [
                each.outcome for each in self.adapter.broadcast(transaction.attempts[-1:])
            ]

    def _track(self, transaction: Transaction) -> None:
        consumed = self.adapter.consumed(
            transaction.claims
        )  # before the statuses: so they know at least as much
        ids = [each.tx_id for each in transaction.attempts]
        statuses = self.adapter.statuses(ids)
        included = [each for each in statuses.by_id.values() if each.block]
        final = [each for each in included if each.block and each.block.height <= statuses.final.height]
        if final:
            self._settle(transaction, "confirmed" if final[0].state is TxState.SUCCEEDED else "failed")
        elif included:
            return
        elif transaction.claims and transaction.claims & consumed.claims:
            self._settle(transaction, "consumed from outside")
        elif self._has_expired(transaction, statuses.final.height) and all(
            each.state is TxState.UNKNOWN for each in statuses.by_id.values()
        ):
            self.open.remove(transaction)
            self.queue.update({each.id: each for each in transaction.draft.spends})
        else:
            self._replace_when_stuck(transaction)

    def _replace_when_stuck(self, transaction: Transaction) -> None:
        transaction.age += 1
        replaceable = Capability.REPLACEABLE in self.adapter.capabilities
        if not replaceable or transaction.age % PATIENCE:
            return
        context = replace(self._context(), tier=FeeTier.HIGH, replaces=transaction.draft)
        for draft in self.adapter.prepare(
            transaction.draft.spends, context
        ).drafts:  # none: its claims are about to be gone
            if not transaction.claims <= draft.claims:
                raise AssertionError(
                    "a replacement that drops a claim could be included beside the replaced one"
                )
            transaction.attempts.append(self._sign(draft))
            transaction.draft, transaction.claims = draft, draft.claims

    def _has_expired(self, transaction: Transaction, final_height: int) -> bool:
        expires_at = transaction.draft.expires_at
        return expires_at is not None and self.adapter.header_at(final_height).time > expires_at

    def _sign(self, draft: Draft) -> Signed:
        """Hold the bytes against the intent before a key touches them."""
        explained = self.adapter.explain(draft.unsigned)
        asked = Counter(Payee(each.recipient, each.contract, each.amount) for each in draft.spends)
        does = Counter(explained.payees)
        strangers = [payee for payee in does - asked if payee.recipient not in self.keys]
        if strangers or asked - does or explained.largest_fee > self._context().fee_cap:
            raise AssertionError(f"the bytes do something else than was asked: {explained}")
        return self.adapter.sign(draft, self.signer)

    def _settle(self, transaction: Transaction, result: str) -> None:
        self.open.remove(transaction)
        self.settled.update({each.id: result for each in transaction.draft.spends})

    def _context(self) -> SpendContext:
        return SpendContext(
            tier=FeeTier.MEDIUM,
            fee_cap=1_000,
            keys=self.keys,
            gas_station=self.gas_station,
            taken=self._taken(),
            coins=self.coins(),
        )

    def _taken(self) -> frozenset[str]:
        return frozenset[str]().union(*(each.claims for each in self.open))

    def _carried(self) -> set[str]:
        return {spend.id for each in self.open for spend in each.draft.spends}

    def _room(self, draft: Draft) -> int:
        """How many more transactions of this address may wait for a block."""
        source = draft.spends[0].source
        return self.adapter.in_flight([source])[source] - sum(
            each.draft.spends[0].source == source for each in self.open
        )
