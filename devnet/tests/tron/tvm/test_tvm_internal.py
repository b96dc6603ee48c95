"""Coins that contracts send on are told as internal transactions, with what became of them."""

from collections.abc import Callable
from hashlib import sha256

import pytest
from eth_utils.crypto import keccak

from cloudpay_devnet.tron.state import State
from cloudpay_devnet.tron.tvm import Outcome, Result

Call = Callable[..., Outcome]
_ALICE, _BOB, _CAROL, _CONTRACT = b"\xaa" * 20, b"\xbb" * 20, b"\xdd" * 20, b"\xc0" * 20
_HEX_BOB, _HEX_CAROL = "0x" + _BOB.hex(), "0x" + _CAROL.hex()
_SEND_MANY = "sendMany(address[],uint256[])"


def _told(outcome: Outcome) -> list[tuple[bytes, bytes, int, str, bool]]:
    return [(entry.caller, entry.to, entry.value, entry.note, entry.rejected) for entry in outcome.internal]


@pytest.fixture
def forwarder(deploy: Callable[..., bytes]) -> bytes:
    return deploy("Forwarder")


def test_a_batch_is_told_receiver_by_receiver_and_activates_whom_it_must(
    forwarder: bytes, call: Call, state: State
) -> None:
    outcome = call(forwarder, _SEND_MANY, [_HEX_BOB, _HEX_CAROL], [30, 12], value=42)
    assert _told(outcome) == [
        (forwarder, _BOB, 30, "call", False),
        (forwarder, _CAROL, 12, "call", False),
    ]
    assert (state.balance(_BOB), state.balance(_CAROL), state.balance(forwarder)) == (30, 12, 0)
    assert state.exists(_CAROL)


def test_a_batch_that_fails_in_the_end_rejects_all_of_it(forwarder: bytes, call: Call, state: State) -> None:
    outcome = call(forwarder, _SEND_MANY, [_HEX_BOB, _HEX_CAROL], [30, 11], value=42)
    assert outcome.result is Result.REVERT
    assert [entry.rejected for entry in outcome.internal] == [True, True]
    assert (state.balance(_BOB), state.exists(_CAROL)) == (0, False)


def test_what_was_sent_below_an_undone_frame_is_rejected_in_a_transaction_that_succeeds(
    deploy: Callable[..., bytes], call: Call, state: State
) -> None:
    payer = deploy("TronHalfPayer")
    outcome = call(payer, "pay(address,address)", _HEX_BOB, _HEX_CAROL, value=10)
    undoer = outcome.internal[1].to
    assert outcome.result is Result.SUCCESS
    assert _told(outcome) == [
        (payer, _BOB, 5, "call", False),
        (payer, undoer, 5, "call", True),
        (undoer, _CAROL, 5, "call", True),
        (payer, _ALICE, 5, "call", False),
    ]
    assert (state.balance(_BOB), state.exists(_CAROL)) == (5, False)
    assert state.balance(_ALICE) == 10**12 - 5


def test_a_contract_that_sends_to_itself_fails_the_transfer(
    forwarder: bytes, call: Call, state: State
) -> None:
    """Solidity's `this.f{value: …}`: it works on Ethereum, not on TRON."""
    outcome = call(forwarder, "sendThenUndo(address)", _HEX_CAROL, value=10, limit=100_000)
    assert outcome.result is Result.TRANSFER_FAILED
    assert outcome.energy_used < 20_000
    assert state.balance(_ALICE) == 10**12


def test_a_failed_transfer_below_a_caught_frame_costs_that_frame_its_energy(
    run: Callable[..., Outcome], state: State
) -> None:
    state.set_code(_BOB, bytes.fromhex("6000600060006000" + "6001305af1"))
    outcome = run("6000600060006000" + "600573" + _BOB.hex() + "619c40f150", value=5)
    used_to_call = 12 + 3 + 3 + 3 + 9_040 + 40_000 + 2
    assert (outcome.result, outcome.energy_used) == (Result.SUCCESS, used_to_call)
    assert [entry.rejected for entry in outcome.internal] == [True]
    assert state.balance(_CONTRACT) == 5


def test_calls_without_value_are_told_too(deploy: Callable[..., bytes], call: Call) -> None:
    pretender = deploy("Pretender")
    for function in ("byDelegatecall", "byStaticcall"):
        outcome = call(pretender, f"{function}(address)", _HEX_BOB, value=7)
        assert [(entry.value, entry.note) for entry in outcome.internal] == [(0, "call")]


def test_borrowed_code_leaves_the_coins_where_they_are(
    deploy: Callable[..., bytes], call: Call, state: State
) -> None:
    pretender = deploy("Pretender")
    outcome = call(pretender, "byCallcode(address)", _HEX_BOB, value=7)
    assert _told(outcome) == [(pretender, pretender, 7, "call", False)]
    assert (state.balance(pretender), state.balance(_BOB)) == (7, 0)


def test_a_call_that_lacks_the_coins_is_not_told(deploy: Callable[..., bytes], call: Call) -> None:
    outcome = call(deploy("Pretender"), "withoutCoins(address)", _HEX_BOB, value=7)
    assert (outcome.result, outcome.internal) == (Result.SUCCESS, ())


def test_internal_transactions_have_hashes_of_their_own(forwarder: bytes, call: Call) -> None:
    outcome = call(forwarder, _SEND_MANY, [_HEX_BOB, _HEX_BOB], [1, 1], value=2)
    first, second = (entry.hash for entry in outcome.internal)
    assert first != second
    assert {len(first), len(second)} == {32}


def test_a_hash_is_made_of_parent_receiver_data_value_and_number(run: Callable[..., Outcome]) -> None:
    outcome = run("6000600060006000" + "600373" + _BOB.hex() + "5af1", value=3)
    parent = sha256(b"call").digest()
    raw = parent + b"\x41" + _BOB + b"" + (3).to_bytes(8, "big") + (1).to_bytes(8, "big")
    assert outcome.internal[0].hash == keccak(raw)
