"""Checks of what happens to sent transactions on the way: replacements, reorganisations, nodes that are away."""

from collections import Counter
from collections.abc import Callable

import pytest

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.spending import Broadcast, Draft, FeeTier, Spend
from cloudpay.chains.types import Capability, TxState
from cloudpay.testing.conformance.spend_tools import (
    TAKEN,
    Purse,
    broadcast,
    funded,
    held,
    payees_of,
    sending,
    status_of,
)
from cloudpay.testing.conformance.tools import eventually, hold_refused_inside_a_transaction
from cloudpay.testing.conformance.world import ChainWorld


class ReplaceChecks:
    """What holds when a transaction does not go straight into a block (faults F33, F52, F55, F58)."""

    def test_a_replacement_keeps_every_claim_and_pays_more_for_the_same(self, world: ChainWorld) -> None:
        purse = _replacing(world)
        spend = purse.spend(91)
        draft, _ = purse.send(spend)
        for tier in (FeeTier.HIGH, FeeTier.MEDIUM):  # dearer even where the tier is not
            other = purse.draft(spend, tier=tier, replaces=draft, taken=draft.claims)
            explained = [purse.world.adapter.explain(each.unsigned) for each in (draft, other)]
            assert draft.claims <= other.claims, "both could be included"
            assert explained[1].largest_fee > explained[0].largest_fee, "no node takes it"
            assert not payees_of([spend]) - Counter(explained[1].payees)

    def test_of_a_transaction_and_its_replacement_exactly_one_is_included(self, world: ChainWorld) -> None:
        purse = _replacing(world)
        spend = purse.spend(92)
        draft, first = purse.send(spend)
        _, second = purse.send(spend, tier=FeeTier.HIGH, replaces=draft, taken=draft.claims)
        broadcast(purse.world, first)
        world.mine(2)
        broadcast(purse.world, first)
        world.mine(2)
        states = [status_of(world, each.tx_id).state for each in (first, second)]
        assert states.count(TxState.SUCCEEDED) == 1, f"of the two {states}"
        assert TxState.REVERTED not in states
        assert held(world, spend.recipient) == 92, "it was paid twice, or not at all"

    def test_what_a_block_has_included_is_not_replaced(self, world: ChainWorld) -> None:
        purse = _replacing(world)
        spend = purse.spend(93)
        draft, signed = purse.send(spend)
        world.mine()
        prepared = purse.prepare(spend, tier=FeeTier.HIGH, replaces=draft, taken=draft.claims)
        assert prepared.drafts == (), "a replacement was drafted for what is in a block"
        assert prepared.refused == (), "what was carried out was refused"
        assert status_of(world, signed.tx_id).state is TxState.SUCCEEDED

    def test_the_same_bytes_pay_once_after_a_reorganisation(self, world: ChainWorld) -> None:
        purse = funded(world)
        world.mine(2)
        spend = purse.spend(94)
        draft, signed = purse.send(spend)
        world.mine()
        world.reorg(1)
        assert status_of(world, signed.tx_id).state is not TxState.REVERTED
        for _ in range(2):
            broadcast(purse.world, signed)
            world.mine()
        assert status_of(world, signed.tx_id).state is TxState.SUCCEEDED, "the same bytes did not get back in"
        assert held(world, spend.recipient) == 94
        world.mine(world.blocks_to_finality)
        assert purse.world.adapter.consumed(draft.claims).claims == draft.claims

    def test_without_nodes_a_broadcast_is_unknown_and_nothing_is_drafted(self, world: ChainWorld) -> None:
        purse = funded(world)
        spend = purse.spend(95)
        draft = purse.draft(spend)
        signed = purse.sign(draft)
        calls = _node_calls(purse, spend, draft)
        with world.nodes_down():
            assert [each.outcome for each in purse.world.adapter.broadcast([signed, signed])] == [
                Broadcast.UNKNOWN,
                Broadcast.UNKNOWN,
            ], "nobody was there to say anything"
            for call in calls:
                with pytest.raises(NodeUnavailable):
                    call()
            assert purse.world.adapter.explain(signed.raw).payees, "reading bytes needs no node"
            assert purse.sign(draft) == signed, "signing needs no node"
        eventually(world.adapter.head, NodeUnavailable)
        assert broadcast(purse.world, signed).outcome in TAKEN
        world.mine()
        assert held(world, spend.recipient) == 95

    def test_nothing_is_drafted_or_sent_inside_a_database_transaction(self, world: ChainWorld) -> None:
        purse = funded(world)
        spend = purse.spend(97)
        draft = purse.draft(spend)
        signed = purse.sign(draft)
        hold_refused_inside_a_transaction(
            [*_node_calls(purse, spend, draft), lambda: purse.world.adapter.broadcast([signed])]
        )

    def test_an_adapter_sends_where_its_definition_says_so(self, world: ChainWorld) -> None:
        able = Capability.SENDS in world.adapter.capabilities
        assert world.network.sends == able, (
            "ChainDefinition.sends and Capability.SENDS disagree: payouts would be taken that cannot be sent, "
            "or refused that can"
        )


def _replacing(world: ChainWorld) -> Purse:
    able = sending(world)
    if Capability.REPLACEABLE not in able.adapter.capabilities:
        pytest.skip("nothing can be replaced on this chain")
    return funded(able)


def _node_calls(purse: Purse, spend: Spend, draft: Draft) -> list[Callable[[], object]]:
    """Every call of sending that asks a node something, but for `broadcast`; prepared while there still is one."""
    adapter, context = purse.world.adapter, purse.context()
    return [
        adapter.fee_quotes,
        lambda: adapter.prepare([spend], context),
        lambda: adapter.consumed(draft.claims),
        lambda: adapter.in_flight([purse.address]),
    ]
