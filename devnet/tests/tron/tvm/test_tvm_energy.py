"""Each group of operations costs what java-tron's EnergyCost says, added up by hand."""

from collections.abc import Callable

import pytest

from cloudpay_devnet.tron.tvm import Outcome, Result

Run = Callable[..., Outcome]
_BOB, _NOBODY = "bb" * 20, "dd" * 20
_NO_RANGES = "6000600060006000"  # four pushes, 12 energy


@pytest.mark.parametrize(
    ("code", "energy"),
    [
        pytest.param("60005450", 3 + 50 + 2, id="SLOAD"),
        pytest.param("6001600055", 6 + 20_000, id="SSTORE of a slot never written"),
        pytest.param("6000600055", 6 + 5_000, id="SSTORE of zero in a slot never written"),
        pytest.param("60016000556002600055", 12 + 20_000 + 5_000, id="SSTORE of a slot written before"),
        pytest.param(
            "600160005560006000556001600055", 18 + 20_000 + 5_000 + 5_000, id="SSTORE after a clearing"
        ),
        pytest.param("303150", 2 + 20 + 2, id="BALANCE"),
        pytest.param("4750", 5 + 2, id="SELFBALANCE"),
        pytest.param("303b50", 2 + 20 + 2, id="EXTCODESIZE"),
        pytest.param("303f50", 2 + 400 + 2, id="EXTCODEHASH"),
        pytest.param("602060006000303c", 9 + 2 + 20 + 3 + 3, id="EXTCODECOPY"),
        pytest.param("610100600a0a50", 6 + 10 + 2 * 10 + 2, id="EXP by two bytes"),
        pytest.param("6000600a0a50", 6 + 10 + 2, id="EXP by zero"),
        pytest.param("6001600052", 6 + 1 + 3, id="MSTORE"),
        pytest.param("60005150", 3 + 1 + 3 + 2, id="MLOAD"),
        pytest.param("6001617fff53", 6 + 1 + 1024 * 3 + 1024 * 1024 // 512, id="MSTORE8 of 32 KB"),
        pytest.param("604060002050", 6 + 30 + 2 * 3 + 2 * 6 + 2, id="SHA3 of two words"),
        pytest.param("60206000600037", 9 + 3 + 3, id="CALLDATACOPY"),
        pytest.param("60206000600039", 9 + 3 + 3, id="CODECOPY"),
        pytest.param("6000600060003e", 9, id="RETURNDATACOPY of nothing"),
        pytest.param("6020600060205e", 9 + 3 + 2 * 3 + 3, id="MCOPY"),
        pytest.param("60006000a0", 6 + 375, id="LOG0"),
        pytest.param("6001600260206000a2", 12 + 375 + 2 * 375 + 32 * 8 + 3, id="LOG2 with a word"),
        pytest.param("6003565b", 3 + 8 + 1, id="JUMP"),
        pytest.param("6000600057", 6 + 10, id="JUMPI"),
        pytest.param("60005c50", 3 + 100 + 2, id="TLOAD"),
        pytest.param("600160005d", 6 + 100, id="TSTORE"),
        pytest.param("5f50", 2 + 2, id="PUSH0"),
        pytest.param("60004050", 3 + 20 + 2, id="BLOCKHASH"),
        pytest.param("48504650", 2 + 2 + 2 + 2, id="BASEFEE and CHAINID"),
        pytest.param("30d450", 2 + 20 + 2, id="ISCONTRACT"),
        pytest.param("60006000d150", 6 + 20 + 2, id="TOKENBALANCE"),
        pytest.param("d250d350", 2 + 2 + 2 + 2, id="CALLTOKENVALUE and CALLTOKENID"),
        pytest.param("600060006000f050", 9 + 32_000 + 2, id="CREATE of nothing"),
        pytest.param("602060006000f050", 9 + 32_000 + 3 + 2, id="CREATE of a word that stops"),
        pytest.param("6000602060006000f550", 12 + 32_000 + 3 + 6 + 2, id="CREATE2 of a word that stops"),
        pytest.param("73" + _BOB + "ff", 3 + 5_000, id="SELFDESTRUCT"),
        pytest.param("73" + _NOBODY + "ff", 3 + 5_000 + 25_000, id="SELFDESTRUCT to nobody yet"),
        pytest.param("60206000f3", 6 + 3, id="RETURN"),
    ],
)
def test_an_operation_costs_what_the_main_net_takes(run: Run, code: str, energy: int) -> None:
    outcome = run(code)
    assert (outcome.result, outcome.energy_used) == (Result.SUCCESS, energy)


@pytest.mark.parametrize(
    ("calling", "energy"),
    [
        pytest.param(f"600073{_BOB}5af1", 40, id="CALL"),
        pytest.param(f"600073{_NOBODY}5af1", 40, id="CALL of nobody without value"),
        pytest.param(f"600173{_BOB}5af1", 40 + 9_000 - 2_300, id="CALL with value, the stipend unused"),
        pytest.param(f"600173{_NOBODY}5af1", 40 + 9_000 + 25_000 - 2_300, id="CALL that activates"),
        pytest.param(f"600173{_NOBODY}5af2", 40 + 9_000 - 2_300, id="CALLCODE with value"),
        pytest.param(f"600073{'00' * 19}045af1", 40 + 15, id="CALL of the identity precompile"),
    ],
)
def test_a_call_costs_no_first_access_and_all_of_a_value(run: Run, calling: str, energy: int) -> None:
    outcome = run(_NO_RANGES + calling + "50", value=5)
    assert outcome.result is Result.SUCCESS
    assert outcome.energy_used == 12 + 3 + 3 + 2 + energy + 2


@pytest.mark.parametrize("opcode", ["f4", "fa"])
def test_a_call_that_cannot_carry_value_costs_forty(run: Run, opcode: str) -> None:
    outcome = run(f"{_NO_RANGES}73{_BOB}5a{opcode}50")
    assert outcome.energy_used == 12 + 3 + 2 + 40 + 2


def test_code_costs_two_hundred_a_byte_and_nothing_else_than_its_execution(
    create: Callable[..., Outcome],
) -> None:
    outcome = create(bytes.fromhex("60206000f3"))
    assert outcome.energy_used == 6 + 3 + 32 * 200


def test_a_factor_raises_each_operation_and_rounds_it_down(run: Run) -> None:
    plain = 3 + 50 + 2
    outcome = run("60005450", factor=34_000)
    penalty = 3 * 34 // 10 + 50 * 34 // 10 + 2 * 34 // 10
    assert (outcome.energy_used, outcome.energy_penalty) == (plain + penalty, penalty)
