"""The sending half of the adapter: `cloudpay.chains.spending.SpendingAdapter` for one EVM network."""

from collections.abc import Callable, Collection, Mapping, Sequence

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
from cloudpay.chains.types import BlockRef
from cloudpay_evm import broadcasting, claims, signing
from cloudpay_evm.drafts import Drafter
from cloudpay_evm.explaining import Explainer
from cloudpay_evm.fees import gwei, offers
from cloudpay_evm.node import Node
from cloudpay_evm.nodes import Nodes
from cloudpay_evm.settings import EvmSettings


class SendingHalf:
    """What speaks to nodes raises `NodeUnavailable`; `final` answers the newest final block that a node tells."""

    def __init__(self, nodes: Nodes, settings: EvmSettings, final: Callable[[Node], BlockRef]) -> None:
        self.nodes = nodes
        self._sending, self._final_of = settings, final
        self._contracts = [each.contract for each in settings.assets.values() if each.contract]
        self._explainer = Explainer(settings.chain_id, self._contracts, gwei(settings.fee_margin_gwei))
        self._drafter = Drafter(settings, self._explainer)

    def fee_quotes(self) -> tuple[FeeQuote, ...]:
        """Answer what a transfer of each listed asset costs at most now, by tier: for one call."""
        found = self.nodes.run(lambda node: offers(node, self._sending))
        assets = (None, *self._contracts)
        return tuple(
            FeeQuote(tier, each, self._drafter.quote(self._drafter.quoted_gas(each), offer))
            for tier, offer in found.items()
            for each in assets
        )

    def prepare(self, spends: Sequence[Spend], context: SpendContext) -> Prepared:
        """Draft one transaction for each spend, the lowest free nonce of its source as its claim.

        What is short of money, or dearer than allowed, waits. Raises `ValueError` for a replacement of another payment.
        """
        return self.nodes.run(lambda node: self._drafter.prepare(node, spends, context))

    def sign(self, draft: Draft, signer: Signer) -> Signed:
        """Sign with the source's key; raises `ValueError` when bytes, claim or signature are not the source's own."""
        return signing.sign(draft, signer, self._explainer)

    def explain(self, raw: bytes) -> Explained:
        """Say what bytes can move; raises `ValueError` for all but native transfers and tokens' `transfer`."""
        return self._explainer.explain(raw)

    def broadcast(self, signed: Sequence[Signed]) -> Sequence[Answer]:
        """Hand bytes to one node, and what it does not take in to the next ones."""
        return broadcasting.broadcast(self.nodes, signed)

    def consumed(self, claims_: Collection[str]) -> Consumed:
        """Say which nonces are used up at one node's final block."""

        def read(node: Node) -> Consumed:
            final = self._final_of(node)
            return Consumed(final, claims.consumed(node, claims_, final))

        return self.nodes.run(read)

    def in_flight(self, sources: Collection[str]) -> Mapping[str, int]:
        """Say how many unconfirmed transactions each address may have: one where its name is lent (EIP-7702)."""
        wanted = tuple(dict.fromkeys(sources))
        return self.nodes.run(lambda node: claims.in_flight(node, wanted, self._sending.in_flight))
