"""Checks of `scan` as a report of money: what counts as a transfer of ours, and what never does."""

import dataclasses
from typing import cast

import pytest

from cloudpay.chains.adapter import SecondReading
from cloudpay.chains.types import BlockRef, Capability, Holding, Transfer, TransferSource
from cloudpay.testing.conformance.tools import (
    RecordingWatch,
    contract_of,
    is_normalised,
    listed_token,
    tip,
    transfers_to,
)
from cloudpay.testing.conformance.world import ChainWorld


class TransferChecks:
    """What `scan` and `pending` promise of transfers (faults F1-F9, F11, F13, F18)."""

    def test_a_native_transfer_is_reported_as_it_happened(self, world: ChainWorld) -> None:
        start, ours = tip(world), world.new_address()
        tx_id = world.send(ours, 12_345)
        world.mine()
        (found,) = transfers_to(world, start, ours)
        assert (found.tx_id, found.contract, found.recipient, found.amount) == (tx_id, None, ours, 12_345)
        assert found.source is TransferSource.NATIVE
        assert found.block == world.adapter.head().latest.ref
        _hold_values(world, found)

    def test_a_token_transfer_is_reported_as_it_happened(self, world: ChainWorld) -> None:
        contract, start, ours = contract_of(listed_token(world)), tip(world), world.new_address()
        tx_id = world.send(ours, 54_321, contract)
        world.mine()
        (found,) = transfers_to(world, start, ours)
        assert (found.tx_id, found.contract, found.recipient, found.amount) == (tx_id, contract, ours, 54_321)
        assert found.source is TransferSource.LOG
        _hold_values(world, found)

    def test_only_transfers_of_ours_are_reported(self, world: ChainWorld) -> None:
        start, ours = tip(world), world.new_address()
        world.send(world.new_address(), 3)
        world.send(ours, 4)
        world.mine()
        assert [each.amount for each in transfers_to(world, start, ours)] == [4]

    def test_native_money_that_leaves_an_address_of_ours_is_reported(self, world: ChainWorld) -> None:
        start, ours, other = tip(world), world.new_address(), world.new_address()
        world.send(other, 777, sender=ours)
        world.mine()
        left = [each for each in transfers_to(world, start, ours) if each.sender == ours]
        assert [(each.recipient, each.amount) for each in left] == [(other, 777)]

    def test_tokens_that_leave_an_address_of_ours_are_reported(self, world: ChainWorld) -> None:
        contract, start = contract_of(listed_token(world)), tip(world)
        ours, other = world.new_address(), world.new_address()
        world.send(other, 777, contract, sender=ours)
        world.mine()
        found = [each for each in transfers_to(world, start, ours) if each.contract == contract]
        left = [each for each in found if each.sender == ours]
        assert [(each.recipient, each.amount) for each in left] == [(other, 777)]

    def test_a_failed_transaction_moves_nothing(self, world: ChainWorld) -> None:
        start, ours = tip(world), world.new_address()
        world.send(ours, 100, fails=True)
        if world.token:
            world.send(ours, 100, world.token.contract, fails=True)
        world.mine()
        assert transfers_to(world, start, ours) == [], "a failed transaction was reported as money"

    def test_a_token_that_is_not_listed_is_not_reported(self, world: ChainWorld) -> None:
        listed_token(world)
        start, ours = tip(world), world.new_address()
        world.send(ours, 100, world.lookalike)
        world.mine()
        assert transfers_to(world, start, ours) == [], (
            "a token of the same symbol was taken for the listed one"
        )

    def test_nothing_is_not_a_transfer(self, world: ChainWorld) -> None:
        contract, start, ours = contract_of(listed_token(world)), tip(world), world.new_address()
        world.send(ours, 0)
        world.send(ours, 0, contract)
        world.mine()
        assert transfers_to(world, start, ours) == [], "a transfer of zero was reported"

    def test_every_transfer_of_one_transaction_is_reported_in_order(self, world: ChainWorld) -> None:
        contract, start = contract_of(listed_token(world)), tip(world)
        first, second = world.new_address(), world.new_address()
        payments = [(first, 10), (second, 20), (first, 10), (second, 5), (first, 1)]
        tx_id = world.send_many(payments, contract)
        world.mine()
        _hold_many(transfers_to(world, start, first, second), tx_id, payments)

    def test_every_output_of_one_transaction_is_reported_in_order(self, world: ChainWorld) -> None:
        if Capability.MULTI_OUTPUT not in world.adapter.capabilities:
            pytest.skip("a transaction of this chain has one native output")
        start, first, second = tip(world), world.new_address(), world.new_address()
        payments = [(first, 1_000), (second, 2_000), (first, 1_000)]
        tx_id = world.send_many(payments, None)
        world.mine()
        _hold_many(transfers_to(world, start, first, second), tx_id, payments)

    def test_transfers_of_one_block_have_their_own_positions(self, world: ChainWorld) -> None:
        start, ours = tip(world), world.new_address()
        for amount in (1, 2, 3):
            world.send(ours, amount)
            if world.token:
                world.send(ours, amount, world.token.contract)
        world.mine()
        found = transfers_to(world, start, ours)
        assert len(found) == (6 if world.token else 3)
        _hold_positions(found)

    def test_native_money_from_a_contract_is_found_by_trace_or_by_balance(self, world: ChainWorld) -> None:
        listed_token(world)
        start, ours = tip(world), world.new_address()
        tx_id = world.send_through_contract(ours, 4_321)
        world.mine()
        found = transfers_to(world, start, ours)
        if Capability.TRACES in world.adapter.capabilities:
            assert [(each.tx_id, each.amount) for each in found] == [(tx_id, 4_321)], "TRACES was promised"
            assert found[0].source is TransferSource.TRACE
        else:
            assert found == [], (
                "without TRACES the core looks at balances: a second report would be a second credit"
            )
        assert _native_balance(world, ours, world.adapter.head().latest.ref) == 4_321

    def test_what_scan_reports_is_what_the_balance_says(self, world: ChainWorld) -> None:
        start, ours = tip(world), world.new_address()
        for amount in (5, 6):
            world.send(ours, amount)
            world.mine()
        received = sum(each.amount for each in transfers_to(world, start, ours))
        assert received == _native_balance(world, ours, world.adapter.head().latest.ref) == 11

    def test_the_largest_amount_is_exact(self, world: ChainWorld) -> None:
        contract = world.token.contract if world.token else None
        start, ours = tip(world), world.new_address()
        world.send(ours, world.largest_amount, contract)
        world.mine()
        (found,) = transfers_to(world, start, ours)
        _hold_values(world, found)
        assert found.amount == world.largest_amount, "the largest amount is not exact"
        holding = Holding(ours, contract)
        held = world.adapter.balances([holding], found.block)[holding]
        assert held == world.largest_amount and type(held) is int

    def test_a_second_reading_tells_the_token_transfers_of_the_first(self, world: ChainWorld) -> None:
        if Capability.SECOND_READING not in world.adapter.capabilities:
            pytest.skip("this chain's blocks are not read a second time")
        contract, start, ours = contract_of(listed_token(world)), tip(world), world.new_address()
        for amount in (11, 22):
            world.send(ours, amount, contract)
            world.send(world.new_address(), amount, contract)
            world.mine()
        expected = transfers_to(world, start, ours)
        watch = RecordingWatch(ours)
        again = cast("SecondReading", world.adapter).read_again(
            start.height + 1, start.height + 2, watch, ["?"]
        )
        assert len(watch.calls) == 1 and again.node
        assert list(again.transfers) == expected and len(expected) == 2, "others, or other places"
        assert again.last == world.adapter.header_at(start.height + 2)

    def test_what_waits_is_pending_until_it_is_mined(self, world: ChainWorld) -> None:
        if Capability.MEMPOOL not in world.adapter.capabilities:
            pytest.skip("the mempool of this chain is not read")
        ours = world.new_address()
        tx_id = world.send(ours, 99)
        world.send(world.new_address(), 98)
        watch = RecordingWatch(ours)
        assert [(each.tx_id, each.amount) for each in world.adapter.pending(watch)] == [(tx_id, 99)]
        assert len(watch.calls) == 1
        world.mine()
        assert world.adapter.pending(watch) == ()


def _native_balance(world: ChainWorld, address: str, at: BlockRef) -> int:
    holding = Holding(address, None)
    return world.adapter.balances([holding], at)[holding]


def _hold_many(found: list[Transfer], tx_id: str, payments: list[tuple[str, int]]) -> None:
    assert {each.tx_id for each in found} == {tx_id}
    assert [(each.recipient, each.amount) for each in found] == payments, "not all, or not in order"
    _hold_positions(found)


def _hold_positions(found: list[Transfer]) -> None:
    places = [(each.block.height, each.position) for each in found]
    assert places == sorted(set(places)), f"positions are not distinct and ascending: {places}"


def _hold_values(world: ChainWorld, transfer: Transfer) -> None:
    """Frozen, whole numbers, normalised addresses: nothing that a float or a foreign library could spoil."""
    assert type(transfer) is Transfer
    with pytest.raises(dataclasses.FrozenInstanceError):
        transfer.amount = 0  # type: ignore[misc]  # that this fails is the check
    numbers = (transfer.amount, transfer.position, transfer.block.height)
    assert all(type(each) is int for each in numbers), f"not whole numbers: {numbers}"
    assert type(transfer.tx_id) is str and type(transfer.block.hash) is str
    for address in (transfer.sender, transfer.recipient):
        assert address is None or is_normalised(world.network.addresses, address), (
            f"{address} is not normalised"
        )
