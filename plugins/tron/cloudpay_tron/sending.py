"""The sending half of the adapter: `cloudpay.chains.spending.SpendingAdapter` for one TRON network."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.spending import (
    Answer,
    Consumed,
    Draft,
    Explained,
    FeeQuote,
    Prepared,
    Refusal,
    Signed,
    Signer,
    Spend,
    SpendContext,
)
from cloudpay.chains.types import BlockRef
from cloudpay_tron import absence, broadcasting, explaining, signing
from cloudpay_tron.drafts import Drafter
from cloudpay_tron.node import Node
from cloudpay_tron.nodes import Nodes
from cloudpay_tron.settings import TronSettings

Result = TypeVar("Result")


class SendingHalf:
    """What speaks to nodes raises `NodeUnavailable`."""

    def __init__(self, nodes: Nodes, settings: TronSettings) -> None:
        self.nodes = nodes
        self._most = settings.max_in_flight
        self._bounds = explaining.bounds_of(settings)
        self._drafter = Drafter(settings)

    def fee_quotes(self) -> tuple[FeeQuote, ...]:
        """Answer what a transfer of each listed asset costs at most now, by tier: for one call."""
        return self.nodes.run(self._drafter.quotes)

    def prepare(self, spends: Sequence[Spend], context: SpendContext) -> Prepared:
        """Draft one transaction for each spend, without claims, with an expiry.

        What is short of money, or dearer than allowed, waits.
        """
        first, prepared = self.nodes.run(
            lambda node: (node.name, self._drafter.prepare(node, spends, context))
        )
        if not prepared.refused or len(self.nodes.members) == 1:
            return prepared
        return replace(prepared, refused=self._confirmed(first, prepared.refused, spends, context))

    def _confirmed(
        self, first: str, refused: Sequence[Refusal], spends: Sequence[Spend], context: SpendContext
    ) -> tuple[Refusal, ...]:
        """Answer those that a second node refuses, too; the others wait: a refusal has a payout fail for good."""
        ids = {each.spend_id for each in refused}
        those = [each for each in spends if each.id in ids]
        try:
            again = self._by_another(first, lambda node: self._drafter.prepare(node, those, context))
        except NodeUnavailable:
            return ()
        return again.refused if again else ()

    def sign(self, draft: Draft, signer: Signer) -> Signed:
        """Sign with the source's key; raises `ValueError` when bytes or signature are not the source's own."""
        return signing.sign(draft, signer)

    def explain(self, raw: bytes) -> Explained:
        """Say what bytes can move; raises `ValueError` for all but transfers of TRX and tokens' `transfer`."""
        return explaining.explain(raw, self._bounds)

    def broadcast(self, signed: Sequence[Signed]) -> Sequence[Answer]:
        """Hand bytes to one node, and what it does not take in to the next ones."""
        return broadcasting.broadcast(self.nodes, signed)

    def consumed(self, claims: Collection[str]) -> Consumed:
        """Answer the final block: transactions of TRON have no claims that could be used up."""
        return Consumed(self.nodes.run(lambda node: node.solid()), frozenset())

    def in_flight(self, sources: Collection[str]) -> Mapping[str, int]:
        """Say how many unconfirmed transactions each address may have: the chain has no limit of its own."""
        self.nodes.run(lambda node: node.required())  # without a node nothing may be under way
        return dict.fromkeys(sources, self._most)

    def absent(
        self, signed: Mapping[str, bytes], final: BlockRef, meanwhile: Callable[[], None]
    ) -> frozenset[str]:
        """Answer what is in none of the blocks that could hold it, by two nodes where several are named."""
        first, found = self.nodes.run(
            lambda node: (node.name, absence.absent(node, signed, final, meanwhile))
        )
        if len(self.nodes.members) == 1 or not found:
            return found
        rest = {tx_id: raw for tx_id, raw in signed.items() if tx_id in found}
        return (
            self._by_another(first, lambda node: absence.absent(node, rest, final, meanwhile)) or frozenset()
        )

    def _by_another(self, first: str, work: Callable[[Node], Result]) -> Result | None:
        """Have another node than the first do it, too; None where none is there to do so."""
        second, found = self.nodes.run_beside(lambda node: (node.name, work(node)), [first])
        return found if second != first else None
