"""How an execution can end, and what it leaves behind then."""

from collections.abc import Callable

import pytest

from cloudpay_devnet.tron.state import BalanceTooLow, State
from cloudpay_devnet.tron.tvm import Outcome, Result

Run = Callable[..., Outcome]
_ALICE, _BOB, _CONTRACT = b"\xaa" * 20, b"\xbb" * 20, b"\xc0" * 20
_WRITE = "6001600055"
_LIMIT = 50_000


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("5b600556", Result.OUT_OF_ENERGY),
        ("6240000051", Result.OUT_OF_MEMORY),
        ("01", Result.STACK_TOO_SMALL),
        ("6000" * 1025, Result.STACK_TOO_LARGE),
        ("fe", Result.ILLEGAL_OPERATION),
        ("d5", Result.ILLEGAL_OPERATION),
        ("600056", Result.BAD_JUMP_DESTINATION),
        ("600a5600605b", Result.BAD_JUMP_DESTINATION),
        ("6001600060003e", Result.UNKNOWN),
    ],
)
def test_an_exceptional_end_takes_all_energy_and_undoes_everything(
    run: Run, state: State, code: str, result: Result
) -> None:
    outcome = run(_WRITE + code, limit=_LIMIT, value=7)
    assert (outcome.result, outcome.energy_used) == (result, _LIMIT)
    assert outcome.error
    assert state.storage(_CONTRACT, 0) is None
    assert (state.balance(_ALICE), state.balance(_CONTRACT)) == (10**12, 0)


def test_a_revert_takes_what_was_used_and_says_why(run: Run, state: State) -> None:
    outcome = run(_WRITE + "60ff600052" + "60206000fd", limit=_LIMIT)
    assert (outcome.result, outcome.energy_used) == (Result.REVERT, 20_006 + 10 + 6)
    assert outcome.output == (0xFF).to_bytes(32, "big")
    assert outcome.error == "REVERT opcode executed"
    assert state.storage(_CONTRACT, 0) is None


def test_coins_sent_to_oneself_fail_the_transfer_and_cost_only_what_was_used(run: Run, state: State) -> None:
    outcome = run("6000600060006000" + "6001305af1", value=5, limit=_LIMIT)
    assert outcome.result is Result.TRANSFER_FAILED
    assert outcome.energy_used == 12 + 3 + 2 + 2 + 9_040 - 2_300
    assert state.balance(_CONTRACT) == 0


def test_more_coins_than_fit_a_long_fail_the_transfer(run: Run) -> None:
    outcome = run("6000600060006000" + "67ffffffffffffffff" + "73" + _BOB.hex() + "5af1")
    assert outcome.result is Result.TRANSFER_FAILED


def test_a_call_without_the_coins_is_refused_and_goes_on(run: Run) -> None:
    outcome = run("6000600060006000" + "600173" + _BOB.hex() + "5af1" + "60005260206000f3")
    assert (outcome.result, int.from_bytes(outcome.output, "big")) == (Result.SUCCESS, 0)
    assert outcome.internal == ()


def test_code_that_begins_with_ef_is_invalid(create: Callable[..., Outcome]) -> None:
    outcome = create(bytes.fromhex("60ef60005360016000f3"), limit=_LIMIT)
    assert (outcome.result, outcome.energy_used) == (Result.INVALID_CODE, _LIMIT)
    assert outcome.created_address is None


def test_a_creation_that_cannot_pay_for_its_code_is_undone(
    create: Callable[..., Outcome], state: State
) -> None:
    outcome = create(bytes.fromhex("60206000f3"), limit=6 + 3 + 32 * 200 - 1, value=9)
    assert outcome.result is Result.OUT_OF_ENERGY
    assert state.balance(_ALICE) == 10**12


def test_a_callee_that_fails_takes_all_that_it_was_given(run: Run, state: State) -> None:
    """TRON hands on all of the energy where Ethereum keeps a part of 64 back."""
    state.set_code(_BOB, bytes.fromhex("fe"))
    calling = "6000600060006000600073" + _BOB.hex()
    assert run(calling + "5af150", limit=_LIMIT).result is Result.OUT_OF_ENERGY
    assert run(calling + "6107d0f150", limit=_LIMIT).energy_used == 15 + 3 + 3 + 40 + 2_000 + 2


def test_calls_nest_sixty_four_deep(run: Run, state: State) -> None:
    count_and_call_oneself = "6001600054016000556000600060006000600030" + "5af1"
    assert run(count_and_call_oneself, limit=10**7).result is Result.SUCCESS
    assert state.storage(_CONTRACT, 0) == 65


def test_a_static_call_cannot_write(run: Run, state: State) -> None:
    state.set_code(_BOB, bytes.fromhex(_WRITE))
    outcome = run("600060006000600073" + _BOB.hex() + "612710fa" + "60005260206000f3")
    assert int.from_bytes(outcome.output, "big") == 0
    assert state.storage(_BOB, 0) is None


def test_a_constant_call_answers_and_changes_nothing(run: Run, state: State) -> None:
    outcome = run(_WRITE + "60005460005260206000f3", constant=True)
    assert (outcome.result, int.from_bytes(outcome.output, "big")) == (Result.SUCCESS, 1)
    assert state.storage(_CONTRACT, 0) is None


def test_a_caller_without_the_value_is_an_error_of_the_node(run: Run, state: State) -> None:
    with pytest.raises(BalanceTooLow, match="holds 1000000000000 sun, not 1000000000001"):
        run("00", value=10**12 + 1)
    assert state.balance(_ALICE) == 10**12


def test_a_slot_that_was_cleared_is_new_again_for_the_next_transaction(run: Run, state: State) -> None:
    run("60016000556000600055")
    assert state.storage(_CONTRACT, 0) is None
    assert run(_WRITE).energy_used == 20_006


def test_what_is_transient_ends_with_the_transaction(run: Run) -> None:
    answer = "60005c60005260206000f3"
    assert int.from_bytes(run("600760005d" + answer).output, "big") == 7
    assert int.from_bytes(run(answer).output, "big") == 0


@pytest.mark.parametrize(
    ("opcode", "answer"),
    [("43", 1000), ("42", 1_700_000_000), ("46", 0x2B6653DC), ("48", 100), ("3a", 0), ("44", 0), ("45", 0)],
)
def test_the_block_answers_as_on_tron(run: Run, opcode: str, answer: int) -> None:
    assert int.from_bytes(run(opcode + "60005260206000f3").output, "big") == answer


@pytest.mark.parametrize(("number", "answer"), [(999, 999), (744, 744), (743, 0), (1000, 0)])
def test_the_last_256_blocks_are_known_by_their_hash(run: Run, number: int, answer: int) -> None:
    outcome = run(f"61{number:04x}4060005260206000f3")
    assert int.from_bytes(outcome.output, "big") == answer


def test_what_an_undone_frame_kept_for_the_transaction_is_undone_too(run: Run, state: State) -> None:
    state.set_code(_BOB, bytes.fromhex("600760005d" + "60006000fd"))
    outcome = run("6000600060006000" + "73" + _BOB.hex() + "61fffff450" + "60005c60005260206000f3")
    assert (outcome.result, int.from_bytes(outcome.output, "big")) == (Result.SUCCESS, 0)
