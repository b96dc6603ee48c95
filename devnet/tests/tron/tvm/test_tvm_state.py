"""The state goes back to any moment that was asked for."""

import pytest

from cloudpay_devnet.tron.state import BalanceTooLow, State

_ALICE, _BOB = b"\xaa" * 20, b"\xbb" * 20


def test_a_way_back_restores_balances_code_and_storage() -> None:
    state = State()
    state.add_balance(_ALICE, 5)
    before = state.dump()
    token = state.snapshot()
    state.add_balance(_ALICE, -2)
    state.add_balance(_BOB, 2)
    state.set_code(_BOB, b"\x00")
    state.set_storage(_BOB, 1, 2)
    state.delete(_ALICE)
    state.rollback(token)
    assert state.dump() == before
    assert not state.exists(_BOB)


def test_a_fork_of_thirty_blocks_goes_back_through_the_transactions_of_all() -> None:
    state = State()
    tokens, dumps = [], []
    for block in range(30):
        dumps.append(state.dump())
        tokens.append(state.snapshot())
        for _ in range(3):
            transaction = state.snapshot()
            state.add_balance(_ALICE, block + 1)
            state.commit(transaction)
    state.rollback(tokens[10])
    assert state.dump() == dumps[10]
    state.rollback(tokens[0])
    assert state.dump() == dumps[0]


def test_a_solid_block_is_settled_and_the_later_ones_can_still_go_back() -> None:
    state = State()
    first = state.snapshot()
    state.add_balance(_ALICE, 1)
    second = state.snapshot()
    state.add_balance(_ALICE, 10)
    state.commit(first)
    state.rollback(second)
    assert state.balance(_ALICE) == 1


def test_going_back_closes_the_snapshots_that_came_after() -> None:
    state = State()
    outer, inner = state.snapshot(), state.snapshot()
    state.rollback(outer)
    with pytest.raises(KeyError):
        state.rollback(inner)


def test_what_was_dumped_loads_as_it_was() -> None:
    state = State()
    state.add_balance(_ALICE, 10**17)
    state.create(_BOB)
    state.set_code(_BOB, b"\x60\x00")
    state.set_storage(_BOB, 2**255, 2**256 - 1)
    loaded = State.load(state.dump())
    assert loaded.dump() == state.dump()
    assert loaded.storage(_BOB, 2**255) == 2**256 - 1
    assert loaded.is_contract(_BOB)
    assert not loaded.is_contract(_ALICE)


def test_no_balance_goes_below_zero() -> None:
    state = State()
    with pytest.raises(BalanceTooLow):
        state.add_balance(_ALICE, -1)
    assert not state.exists(_ALICE)
