"""The sending half of the adapter: `cloudpay.chains.spending.SpendingAdapter` for one TRON network."""

from collections.abc import Collection, Mapping, Sequence

from cloudpay.chains.spending import (
    Answer,
    Consumed,
    Draft,
    Explained,
    FeeQuote,
    Prepared,
    Signed,
    Signer,
    Spend,
    SpendContext,
)
from cloudpay_tron import broadcasting, explaining, signing
from cloudpay_tron.drafts import Drafter
from cloudpay_tron.nodes import Nodes
from cloudpay_tron.settings import TronSettings


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
        return self.nodes.run(lambda node: self._drafter.prepare(node, spends, context))

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
