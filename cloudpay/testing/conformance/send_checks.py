"""Checks of what is sent: it arrives once, costs what is told, and its claims are used up when it is final."""

from dataclasses import replace

import pytest

from cloudpay.chains.spending import KeyPath, Spend
from cloudpay.chains.types import TxState
from cloudpay.testing.conformance.spend_tools import (
    TAKEN,
    Purse,
    broadcast,
    funded,
    held,
    sending,
    status_of,
)
from cloudpay.testing.conformance.tools import contract_of, listed_token, tip, transfers_to
from cloudpay.testing.conformance.world import ChainWorld

_ENOUGH = 24  # transactions that wait at once: more than a usual window, few enough for a real node


class SendChecks:
    """What `broadcast`, `consumed`, `in_flight` and `needs` promise (faults F52, F53, F61, F74)."""

    def test_a_sent_spend_moves_exactly_its_amount_and_costs_the_fee_that_is_told(
        self, world: ChainWorld
    ) -> None:
        purse = funded(world)
        spend, before = purse.spend(12_345), held(world, purse.address)
        _, signed = purse.send(spend)
        assert status_of(world, signed.tx_id).state is TxState.PENDING
        world.mine()
        status = status_of(world, signed.tx_id)
        assert (status.state, status.block) == (TxState.SUCCEEDED, world.adapter.head().latest.ref)
        assert held(world, spend.recipient) == 12_345, "the recipient did not get exactly the amount"
        assert before - held(world, purse.address) == 12_345 + (status.fee or 0), "the fee is not what left"

    def test_a_sent_token_moves_exactly_its_amount_and_costs_the_fee_that_is_told(
        self, world: ChainWorld
    ) -> None:
        contract = contract_of(listed_token(world))
        purse = funded(world, tokens=1_000)
        spend, before = purse.spend(345, contract), held(world, purse.address)
        _, signed = purse.send(spend)
        world.mine()
        status = status_of(world, signed.tx_id)
        assert status.state is TxState.SUCCEEDED
        assert held(world, spend.recipient, contract) == 345
        assert held(world, purse.address, contract) == 655
        assert before - held(world, purse.address) == status.fee, "the fee is not what left"

    def test_what_was_sent_is_read_as_a_transfer_of_ours(self, world: ChainWorld) -> None:
        purse, start = funded(world), tip(world)
        spend = purse.spend(777)
        _, signed = purse.send(spend)
        world.mine()
        found = [
            (each.tx_id, each.recipient, each.amount)
            for each in transfers_to(world, start, purse.address)
            if each.sender == purse.address and each.recipient != purse.address
        ]
        assert found == [(signed.tx_id, spend.recipient, 777)]

    def test_broadcasting_the_same_bytes_again_pays_once(self, world: ChainWorld) -> None:
        purse = funded(world)
        spend = purse.spend(31)
        _, signed = purse.send(spend)
        for _ in range(2):
            again = broadcast(purse.world, signed)
            assert again.outcome in TAKEN, f"what waits already was answered with {again}"
        world.mine()
        broadcast(purse.world, signed)
        world.mine()
        assert status_of(world, signed.tx_id).state is TxState.SUCCEEDED
        assert held(world, spend.recipient) == 31

    def test_each_of_many_bytes_has_its_own_answer_in_order(self, world: ChainWorld) -> None:
        purse = funded(world)
        spends = [purse.spend(amount) for amount in (41, 42)]
        signed = [purse.sign(draft) for draft in purse.prepare(*spends).drafts]
        broken = replace(signed[0], tx_id="0x" + "33" * 32, raw=signed[0].raw[:-1])
        answers = purse.world.adapter.broadcast([signed[0], broken, *signed[1:]])
        told = [answer.outcome in TAKEN for answer in answers]
        assert told == [True, False, *(True for _ in signed[1:])], f"the answers were {answers}"
        world.mine()
        assert all(status_of(world, each.tx_id).state is TxState.SUCCEEDED for each in signed)
        assert [held(world, spend.recipient) for spend in spends] == [41, 42]
        assert list(purse.world.adapter.broadcast([])) == []

    def test_what_another_key_signed_moves_nothing(self, world: ChainWorld) -> None:
        purse = funded(world)
        spend, path = purse.spend(51), purse.world.path_of(purse.address)
        draft = purse.draft(spend)
        other = replace(draft, signers=(KeyPath(path.account, path.chain, path.index + 1),))
        try:
            signed = purse.sign(other)
        except ValueError:
            return  # a plugin may see it before a node does
        broadcast(purse.world, signed)
        world.mine()
        assert held(world, spend.recipient) == 0, "money left an address without its key"
        assert status_of(world, signed.tx_id).state is TxState.UNKNOWN

    def test_claims_are_consumed_when_their_transaction_is_final_and_no_earlier(
        self, world: ChainWorld
    ) -> None:
        purse = funded(world)
        draft, signed = purse.send(purse.spend(61))
        if not draft.claims:
            pytest.skip("transactions of this chain have no claims")
        later = purse.draft(purse.spend(62), taken=draft.claims).claims
        adapter = purse.world.adapter
        for wait in range(world.blocks_to_finality + 1):
            assert not adapter.consumed(draft.claims).claims, f"consumed {wait} blocks on, and not final"
            world.mine()
        consumed, status = adapter.consumed(draft.claims | later), status_of(world, signed.tx_id)
        assert consumed.claims == draft.claims, (
            "the claims of a final transaction, and no others, are used up"
        )
        assert consumed.final == world.adapter.head().final
        assert status.state is TxState.SUCCEEDED
        assert status.block and status.block.height <= consumed.final.height
        assert adapter.consumed([]).claims == frozenset()

    def test_as_many_transactions_of_one_address_wait_as_the_chain_says(self, world: ChainWorld) -> None:
        purse = funded(world)
        window = purse.world.adapter.in_flight([purse.address])
        assert set(window) == {purse.address} and window[purse.address] >= 1
        spends = [purse.spend(70 + number) for number in range(min(window[purse.address], _ENOUGH))]
        signed = [purse.sign(draft) for draft in purse.prepare(*spends).drafts]
        answers = purse.world.adapter.broadcast(signed)
        refused = [answer for answer in answers if answer.outcome not in TAKEN]
        assert not refused, f"a node took fewer than {len(signed)} at once: {refused[:2]}"
        world.mine(2)
        states = {each.state for each in world.adapter.statuses([one.tx_id for one in signed]).by_id.values()}
        assert states == {TxState.SUCCEEDED}
        assert [held(world, spend.recipient) for spend in spends] == [spend.amount for spend in spends]

    def test_a_spend_that_would_be_reverted_is_refused_or_reverted(self, world: ChainWorld) -> None:
        purse = funded(world)
        closed = purse.world.closed_address()
        if not closed:
            pytest.skip("everybody can receive on this chain")
        bad, good = purse.spend(81, to=closed), purse.spend(82)
        prepared = purse.prepare(bad, good)
        carried = {spend.id for draft in prepared.drafts for spend in draft.spends}
        assert good.id in carried, "one bad recipient kept another from being paid"
        if [each.spend_id for each in prepared.refused] == [bad.id]:
            assert prepared.refused[0].reason, "a refusal says why"
            assert bad.id not in carried, "it was refused and drafted"
            return
        assert prepared.refused == ()
        draft = next(each for each in prepared.drafts if bad in each.spends)
        signed = purse.sign(draft)
        broadcast(purse.world, signed)
        world.mine()
        assert status_of(world, signed.tx_id).state is TxState.REVERTED, "what moved nothing has succeeded"
        assert held(world, closed) == 0

    def test_what_a_spend_lacks_is_named_and_is_enough(self, world: ChainWorld) -> None:
        contract = contract_of(listed_token(world))
        poor, station = funded(world, tokens=500, native=0), funded(world)
        spend = poor.spend(500, contract)
        told = poor.context(
            gas_station=station.address,
            keys={each.address: each.world.path_of(each.address) for each in (poor, station)},
        )
        draft, again = (sending(world).adapter.prepare([spend], told).drafts[0] for _ in range(2))
        if not draft.needs:
            pytest.skip("a token's sender needs no native coin on this chain")
        assert [need.id for need in draft.needs] == [need.id for need in again.needs], (
            "the same need has another id the second time: it would be met twice"
        )
        for need in draft.needs:
            _hold_need(need, spend, poor, station)
            station.send(need)
        world.mine()
        after = sending(world).adapter.prepare([spend], told).drafts
        assert [each.needs for each in after] == [()], "what it was said to need was not enough"
        signed = poor.sign(after[0])
        broadcast(poor.world, signed)
        world.mine()
        assert status_of(world, signed.tx_id).state is TxState.SUCCEEDED
        assert held(world, spend.recipient, contract) == 500


def _hold_need(need: Spend, spend: Spend, poor: Purse, station: Purse) -> None:
    assert (need.source, need.recipient, need.contract) == (station.address, poor.address, None)
    assert need.id.startswith(spend.id) and need.id != spend.id, "a need's id comes from its spend's"
    assert type(need.amount) is int and 0 < need.amount <= poor.context().fee_cap, "no fee costs that much"
