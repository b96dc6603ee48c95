"""Checks of what is drafted and signed, before anything is sent: claims, bytes, fees."""

from collections import Counter

import pytest

from cloudpay.chains.spending import Draft, FeeTier
from cloudpay.chains.types import Capability, TxState
from cloudpay.testing.conformance.spend_tools import Purse, funded, payees_of, sending, status_of
from cloudpay.testing.conformance.tools import contract_of, listed_token
from cloudpay.testing.conformance.world import ChainWorld


class DraftChecks:
    """What `fee_quotes`, `prepare`, `sign` and `explain` promise (faults F55, F59)."""

    def test_every_spend_is_drafted_once_and_names_its_claims(self, world: ChainWorld) -> None:
        purse = funded(world)
        spends = [purse.spend(amount) for amount in (11, 12, 13)]
        prepared = purse.prepare(*spends)
        assert prepared.refused == ()
        carried = Counter(spend.id for draft in prepared.drafts for spend in draft.spends)
        assert carried == Counter(spend.id for spend in spends), "a spend is in no draft, or in two"
        for draft in prepared.drafts:
            assert all(spend in spends for spend in draft.spends), "a draft changed a spend"
            assert draft.needs == (), "what is paid for needs nothing"
            assert draft.signers == (purse.world.path_of(purse.address),)
            assert draft.claims or Capability.REPLACEABLE not in world.adapter.capabilities, (
                "what can be replaced has claims to share with what replaces it"
            )
            assert draft.claims or draft.expires_at is not None, "it could neither be replaced nor expire"

    def test_two_transactions_of_one_source_share_no_claim(self, world: ChainWorld) -> None:
        purse = funded(world)
        drafts = purse.prepare(*(purse.spend(amount) for amount in (11, 12, 13))).drafts
        claims = [claim for draft in drafts for claim in draft.claims]
        assert len(claims) == len(set(claims)), f"two drafts have one claim: {sorted(claims)}"

    def test_claims_that_are_taken_are_not_used(self, world: ChainWorld) -> None:
        purse = funded(world)
        first = purse.draft(purse.spend(11))
        second = purse.draft(purse.spend(12), taken=first.claims)
        assert not first.claims & second.claims, "a claim that was taken was used again"
        assert purse.draft(purse.spend(13)).claims == first.claims, "a claim that nobody took was left out"

    def test_unsigned_bytes_do_what_was_asked_and_no_more(self, world: ChainWorld) -> None:
        purse = funded(world, tokens=_tokens(world))
        for draft in _drafts(world, purse):
            _hold_bytes(purse, draft, draft.unsigned)

    def test_signed_bytes_do_what_was_asked_and_no_more(self, world: ChainWorld) -> None:
        purse = funded(world, tokens=_tokens(world))
        for draft in _drafts(world, purse):
            signed = purse.sign(draft)
            _hold_bytes(purse, draft, signed.raw)
            told = [purse.world.adapter.explain(raw).largest_fee for raw in (draft.unsigned, signed.raw)]
            assert len(set(told)) == 1, "signed bytes may cost more than what was held against the cap"

    def test_bytes_of_another_kind_are_not_explained(self, world: ChainWorld) -> None:
        purse = funded(world)
        good = purse.sign(purse.draft(purse.spend(11))).raw
        for raw in (b"", b"x", b"\0" * 100, good[1:], good + b"\0", good[: len(good) // 2]):
            with pytest.raises(ValueError):  # noqa: PT011  # the seam promises no more than this class
                pytest.fail(f"{raw[:40]!r} was taken for {purse.world.adapter.explain(raw)}")

    def test_signing_again_gives_the_same_bytes_and_the_chain_knows_them_by_their_id(
        self, world: ChainWorld
    ) -> None:
        purse = funded(world)
        draft = purse.draft(purse.spend(11))
        first, second = purse.sign(draft), purse.sign(draft)
        assert first == second, "the same draft was signed in two ways"
        _, sent = purse.send(purse.spend(12))
        world.mine()
        assert status_of(world, sent.tx_id).state is TxState.SUCCEEDED, "the chain has it under another id"

    def test_nothing_is_drafted_above_the_fee_cap(self, world: ChainWorld) -> None:
        purse = funded(world)
        usual = purse.world.adapter.explain(purse.draft(purse.spend(11)).unsigned).largest_fee
        for cap in (usual - 1, 1, 0):
            for draft in purse.prepare(purse.spend(11), fee_cap=cap).drafts:
                fee = purse.world.adapter.explain(draft.unsigned).largest_fee
                assert fee <= cap, f"a draft may cost {fee}, above the cap of {cap}"
        assert len(purse.prepare(purse.spend(11), fee_cap=2 * usual).drafts) == 1, (
            "below it nothing was drafted"
        )

    def test_a_transfer_costs_no_more_than_it_was_quoted(self, world: ChainWorld) -> None:
        able = sending(world)
        quotes = {(quote.tier, quote.contract): quote.fee for quote in able.adapter.fee_quotes()}
        listed = {asset.contract for asset in world.network.assets}
        assert set(quotes) == {(tier, contract) for tier in FeeTier for contract in listed}
        assert all(type(fee) is int and fee >= 0 for fee in quotes.values())
        for contract in listed:
            low, medium, high = (quotes[tier, contract] for tier in FeeTier)
            assert low <= medium <= high, "what shall be included sooner is quoted cheaper"
        purse = funded(world, tokens=_tokens(world))
        for tier in FeeTier:
            for draft in _drafts(world, purse, tier):
                fee = able.adapter.explain(draft.unsigned).largest_fee
                quote = quotes[tier, draft.spends[0].contract]
                assert fee <= quote, f"{tier}: a transfer that was quoted {quote} may cost {fee}"


def _tokens(world: ChainWorld) -> int:
    return 1_000 if Capability.TOKENS in world.adapter.capabilities else 0


def _drafts(world: ChainWorld, purse: Purse, tier: FeeTier = FeeTier.MEDIUM) -> list[Draft]:
    """A draft of the native coin, and one of the token where there are tokens."""
    contracts = [None, *([contract_of(listed_token(world))] if _tokens(world) else [])]
    return [purse.draft(purse.spend(17, contract), tier=tier) for contract in contracts]


def _hold_bytes(purse: Purse, draft: Draft, raw: bytes) -> None:
    """Hold what bytes do against what the draft carries; change may come back to the source."""
    explained = purse.world.adapter.explain(raw)
    asked, does = payees_of(draft.spends), Counter(explained.payees)
    assert not asked - does, f"the bytes do not pay {asked - does}"
    strangers = [payee for payee in does - asked if payee.recipient != purse.address]
    assert not strangers, f"the bytes pay somebody who was not to be paid: {strangers}"
    assert type(explained.largest_fee) is int and 0 <= explained.largest_fee <= purse.context().fee_cap
    assert explained.expires_at == draft.expires_at
