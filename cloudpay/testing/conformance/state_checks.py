"""Checks of what a chain is asked outside a scan: head and finality, balances, statuses."""

import pytest

from cloudpay.chains.errors import Unlinked
from cloudpay.chains.types import Capability, Finality, Holding, TxState
from cloudpay.testing.conformance.tools import contract_of, listed_token, tip
from cloudpay.testing.conformance.world import ChainWorld


class StateChecks:
    """What `head`, `balances` and `statuses` promise."""

    def test_head_and_final_block_are_of_one_chain(self, world: ChainWorld) -> None:
        tip(world)
        world.mine(world.blocks_to_finality + 2)
        head = world.adapter.head()
        assert head.final.height <= head.latest.height, "the final block is above the head"
        assert world.adapter.header_at(head.latest.height) == head.latest
        final = world.adapter.header_at(head.final.height)
        assert final.ref == head.final, "the final block is not on the head's chain"
        assert type(head.finality) is Finality and head.node

    def test_a_block_becomes_final_no_earlier_and_no_later_than_told(self, world: ChainWorld) -> None:
        block = tip(world)
        assert world.adapter.head().final.height < block.height or world.blocks_to_finality == 0
        world.mine(world.blocks_to_finality)
        assert world.adapter.head().final.height >= block.height
        assert world.adapter.head().finality is world.network.settings.finality

    def test_balances_are_those_of_the_newest_block(self, world: ChainWorld) -> None:
        ours = world.new_address()
        holding = Holding(ours, world.token.contract if world.token else None)
        for amount, total in ((0, 0), (30, 30), (12, 42)):
            if amount:
                world.send(ours, amount, holding.contract)
            world.mine()
            held = world.adapter.balances([holding], world.adapter.head().latest.ref)
            assert held == {holding: total}

    def test_balances_are_those_of_the_block_asked_for(self, world: ChainWorld) -> None:
        if Capability.HISTORY not in world.adapter.capabilities:
            pytest.skip("the nodes of this chain keep no balances of earlier blocks")
        token = world.token.contract if world.token else None
        before, ours, empty = tip(world), world.new_address(), world.new_address()
        world.send(ours, 1_000)
        if token:
            world.send(ours, 30, token)
        world.mine()
        middle = world.adapter.head().latest.ref
        world.send(ours, 500)
        world.mine()
        after = world.adapter.head().latest.ref
        holdings = [Holding(ours, None), Holding(empty, None), *([Holding(ours, token)] if token else [])]
        for block, native, tokens in ((before, 0, 0), (middle, 1_000, 30), (after, 1_500, 30)):
            held = world.adapter.balances(holdings, block)
            expected = dict(zip(holdings, (native, 0, tokens), strict=False))
            assert held == expected, f"balances at block {block.height} are those of another block"
            assert all(type(each) is int for each in held.values()), "a balance is not a whole number"

    def test_what_waits_is_in_no_balance_that_is_believed(self, world: ChainWorld) -> None:
        tip(world)
        world.mine(world.blocks_to_finality + 1)
        holding = Holding(world.new_address(), None)
        tx_id = world.send(holding.address, 1_000)
        assert _believed(world, holding) == 0, f"{tx_id} is in no block"
        world.mine(world.blocks_to_finality + 1)
        assert _believed(world, holding) == 1_000

    def test_many_balances_are_answered_at_once(self, world: ChainWorld) -> None:
        block = tip(world)
        holdings = [
            Holding(world.network.addresses.derive(world.account_key, 0, i), None) for i in range(300)
        ]
        assert set(world.adapter.balances(holdings, block)) == set(holdings)
        assert world.adapter.balances([], block) == {}

    def test_balances_of_a_replaced_block_are_not_to_be_had(self, world: ChainWorld) -> None:
        tip(world)
        world.mine(2)
        replaced = world.adapter.head().latest.ref
        world.reorg(1)
        world.mine()
        with pytest.raises(Unlinked):
            world.adapter.balances([Holding(world.new_address(), None)], replaced)

    def test_a_transaction_is_pending_then_succeeded_in_its_block(self, world: ChainWorld) -> None:
        tip(world)
        tx_id = world.send(world.new_address(), 5)
        waiting = world.adapter.statuses([tx_id]).by_id[tx_id]
        assert (waiting.state, waiting.block) == (TxState.PENDING, None)
        world.mine()
        block = world.adapter.head().latest.ref
        world.mine()
        status = world.adapter.statuses([tx_id]).by_id[tx_id]
        assert (status.tx_id, status.state, status.block) == (tx_id, TxState.SUCCEEDED, block)
        assert type(status.fee) is int and status.fee > 0, "an included transaction has a fee"

    def test_a_failed_transaction_is_reverted_and_has_its_fee(self, world: ChainWorld) -> None:
        contract = contract_of(listed_token(world))
        tip(world)
        tx_id = world.send(world.new_address(), 5, contract, fails=True)
        world.mine()
        status = world.adapter.statuses([tx_id]).by_id[tx_id]
        assert (status.state, status.block) == (TxState.REVERTED, world.adapter.head().latest.ref)
        assert status.fee is not None and status.fee > 0, "a failed transaction has a fee"

    def test_a_transaction_that_nobody_knows_is_unknown_and_not_failed(self, world: ChainWorld) -> None:
        tip(world)
        known = world.send(world.new_address(), 5)
        world.mine()
        head, tail = known[:-8], known[-8:]
        stranger = head + "".join("0" if each != "0" else "1" for each in tail)
        states = world.adapter.statuses([stranger, known]).by_id
        assert states[stranger].state is TxState.UNKNOWN and states[stranger].block is None
        assert states[known].state is TxState.SUCCEEDED
        assert world.adapter.statuses([]).by_id == {}

    def test_statuses_come_with_the_final_block_of_their_node(self, world: ChainWorld) -> None:
        tip(world)
        tx_id = world.send(world.new_address(), 5)
        world.mine(world.blocks_to_finality + 1)
        statuses, head = world.adapter.statuses([tx_id]), world.adapter.head()
        assert statuses.final == head.final
        block = statuses.by_id[tx_id].block
        assert block is not None and block.height <= statuses.final.height

    def test_a_reorganised_transaction_is_never_failed(self, world: ChainWorld) -> None:
        tip(world)
        tx_id = world.send(world.new_address(), 5)
        world.mine(2)
        world.reorg(2)
        world.mine()
        status = world.adapter.statuses([tx_id]).by_id[tx_id]
        assert status.state is not TxState.REVERTED
        if status.block:
            assert world.adapter.header_at(status.block.height).hash == status.block.hash


def _believed(world: ChainWorld, holding: Holding) -> int:
    """Answer a balance at the newest block whose balances the core believes."""
    head = world.adapter.head()
    at = head.latest.ref if Capability.HISTORY in world.adapter.capabilities else head.final
    return world.adapter.balances([holding], at)[holding]
