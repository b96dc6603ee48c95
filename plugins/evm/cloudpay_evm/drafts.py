"""Drafting: spends become transactions, each under the lowest free nonce of its source, for a fee within all bounds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cloudpay.chains.spending import Draft, Payee, Prepared, Refusal, Spend, SpendContext
from cloudpay_evm.claims import read_claim
from cloudpay_evm.estimates import Estimate, estimates, with_margin
from cloudpay_evm.explaining import Explainer, address_bytes, token_call
from cloudpay_evm.fees import Offer, gwei, most_for_gas, offers
from cloudpay_evm.node import Node
from cloudpay_evm.purses import Purse, purses
from cloudpay_evm.settings import EvmSettings
from cloudpay_evm.transactions import DYNAMIC, LEGACY, Transaction, payload


def _overtaken(held: Mapping[str, Purse], context: SpendContext) -> frozenset[str]:
    """A nonce counts what the chain has included: more than all that was claimed was signed by somebody else."""
    if context.first:
        return frozenset(each for each in held if held[each].nonce > 0)
    furthest: dict[str, int] = {}
    for address, nonce in map(read_claim, context.recent):
        furthest[address] = max(nonce, furthest.get(address, 0))
    return frozenset(each for each in furthest if each in held and held[each].nonce > furthest[each] + 1)


class Drafter:
    """Drafts for one network, and learns what gas transfers of each token take."""

    def __init__(self, settings: EvmSettings, explainer: Explainer) -> None:
        self._learnt: dict[str, int] = {}
        self._settings, self._explainer = settings, explainer
        self._kind = LEGACY if settings.transactions == "legacy" else DYNAMIC
        self._margin = gwei(settings.fee_margin_gwei)
        self._most = most_for_gas(settings)

    def prepare(self, node: Node, spends: Sequence[Spend], context: SpendContext) -> Prepared:
        """Draft what can be sent now, refuse what would fail, and leave the rest to wait."""
        if context.replaces is not None:
            [spend] = spends  # a transaction carries one
            return self._outbid(node, spend, context, context.replaces)
        if not spends:
            return Prepared(())
        offer = offers(node, self._settings)[context.tier]
        held = purses(node, spends)
        overtaken = _overtaken(held, context)
        if overtaken:
            return Prepared((), overtaken=overtaken)
        covered = [each for each in spends if each.amount <= held[each.source].left[each.contract]]
        tried = dict(estimates(node, covered, self._learnt))
        tried |= self._not_for_want_of_money(node, covered, tried)
        drafts, refused = [], []
        for spend in covered:
            estimate = tried[spend.id]
            if estimate.refusal is not None:
                refused.append(Refusal(spend.id, estimate.refusal))
            elif estimate.gas is not None:
                draft = self._draft(spend, estimate.gas, offer, held[spend.source], context)
                drafts += [] if draft is None else [draft]
        return Prepared(tuple(drafts), tuple(refused))

    def quoted_gas(self, contract: str | None) -> int:
        """The gas that a transfer's fee is quoted by."""
        if contract is None:
            return self._settings.native_gas
        return self._learnt.get(contract, with_margin(self._settings.token_gas))

    def quote(self, gas: int, offer: Offer) -> int:
        """The most that a transaction with so much gas costs."""
        price = offer.max_fee if self._most is None else min(offer.max_fee, self._most)
        return gas * price + self._margin

    def _not_for_want_of_money(
        self, node: Node, spends: Sequence[Spend], tried: Mapping[str, Estimate]
    ) -> dict[str, Estimate]:
        """Look again at the money of what would fail: a block may have come between, and what is short waits."""
        failing = [each for each in spends if tried[each.id].refusal is not None]
        held = purses(node, failing) if failing else {}
        short = [each for each in failing if each.amount > held[each.source].left[each.contract]]
        return {each.id: Estimate() for each in short}

    def _draft(
        self, spend: Spend, gas: int, offer: Offer, purse: Purse, context: SpendContext
    ) -> Draft | None:
        """Draft one; None where the fee is above a bound, or the source cannot pay and nobody pays for it."""
        if spend.contract is not None:
            before = self._learnt.get(spend.contract, 0)
            self._learnt[spend.contract] = max(gas, (7 * before + gas) // 8)  # up at once, down slowly
        bounded = self._bounded(offer, gas, context.fee_cap)
        if bounded is None or spend.amount > purse.left[spend.contract]:
            return None
        for_fees = purse.left[None] - (spend.amount if spend.contract is None else 0)
        affordable = bounded.within((for_fees - self._margin) // gas)
        claim, nonce = purse.claim(context.taken)
        needs: tuple[Spend, ...] = ()
        if affordable is None:
            if spend.contract is None or spend.source == context.gas_station:
                return None
            lacks = self.quote(gas, bounded) - max(0, purse.left[None])
            needs = (Spend(f"{spend.id}:top-up", context.gas_station, spend.source, None, lacks),)
            purse.left[None] = 0
            purse.left[spend.contract] -= spend.amount
        paid = affordable or bounded
        transaction = self._transaction(spend, nonce, gas, paid)
        if not needs:
            purse.use(spend, transaction.largest_fee + self._margin)
        signers = (context.keys[spend.source],)
        return Draft((spend,), frozenset({claim}), needs, None, signers, payload(transaction))

    def _outbid(self, node: Node, spend: Spend, context: SpendContext, old: Draft) -> Prepared:
        """Draft the same payment under the same nonce for more; nothing where it is used up, or too dear."""
        before, _ = self._explainer.read(old.unsigned)
        [claim] = old.claims
        same = Payee(spend.recipient, spend.contract, spend.amount)
        if read_claim(claim) != (spend.source, before.nonce) or self._explainer.payees(before) != (same,):
            raise ValueError(f"{claim} carries another payment than {spend.id}: it cannot be outbid by it")
        offer = offers(node, self._settings)[context.tier].outbidding(before)
        purse = purses(node, [spend])[spend.source]
        bounded = self._bounded(offer, before.gas, context.fee_cap)
        for_fees = purse.left[None] - before.value - self._margin
        paid = bounded.within(for_fees // before.gas) if bounded is not None else None
        if purse.nonce > before.nonce or paid is None:
            return Prepared(())
        transaction = self._transaction(spend, before.nonce, before.gas, paid)
        return Prepared((replace(old, spends=(spend,), needs=(), unsigned=payload(transaction)),))

    def _bounded(self, offer: Offer, gas: int, fee_cap: int) -> Offer | None:
        most = (fee_cap - self._margin) // gas
        return offer.within(most if self._most is None else min(most, self._most))

    def _transaction(self, spend: Spend, nonce: int, gas: int, offer: Offer) -> Transaction:
        is_token = spend.contract is not None
        return Transaction(
            kind=self._kind,
            chain_id=self._settings.chain_id,
            nonce=nonce,
            tip=offer.max_fee if self._kind == LEGACY else offer.tip,
            max_fee=offer.max_fee,
            gas=gas,
            to=address_bytes(spend.contract or spend.recipient),
            value=0 if is_token else spend.amount,
            data=token_call(spend.recipient, spend.amount) if is_token else b"",
        )
