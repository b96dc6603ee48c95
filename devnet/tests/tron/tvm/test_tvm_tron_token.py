"""The token that can do what TRON's USDT can."""

from collections.abc import Callable

import pytest

from cloudpay_devnet.tron.tvm import Outcome, Result

Call = Callable[..., Outcome]
_ALICE, _BOB, _CAROL = "0x" + "aa" * 20, "0x" + "bb" * 20, "0x" + "dd" * 20
_CONSTRUCTOR = ("string", "string", "uint8", "address")
_TRANSFER = "transfer(address,uint256)"
_FUNDS = 10**9


@pytest.fixture
def token(deploy: Callable[..., bytes], call: Call) -> bytes:
    token = deploy("TronToken", _CONSTRUCTOR, ("Tether USD", "USDT", 6, _ALICE))
    assert call(token, "issue(uint256)", _FUNDS).result is Result.SUCCESS
    return token


def _balance(call: Call, token: bytes, account: str) -> int:
    return int.from_bytes(call(token, "balanceOf(address)", account, constant=True).output, "big")


def test_a_transfer_answers_true_and_costs_about_what_the_main_nets_does(token: bytes, call: Call) -> None:
    """Its USDT, of an older compiler: 14,650 to a holder, 29,650 to a new one, before the factor."""
    to_nobody = call(token, _TRANSFER, _BOB, 25)
    to_a_holder = call(token, _TRANSFER, _BOB, 25)
    assert int.from_bytes(to_a_holder.output, "big") == 1
    assert to_nobody.energy_used - to_a_holder.energy_used == 15_000
    assert 13_000 < to_a_holder.energy_used < 15_000


def test_a_fee_goes_to_the_owner_and_is_logged(token: bytes, call: Call) -> None:
    call(token, _TRANSFER, _BOB, 1)
    call(token, "setParams(uint256,uint256)", 10, 5)
    outcome = call(token, _TRANSFER, _CAROL, 10_000)
    assert [int.from_bytes(log.data, "big") for log in outcome.logs] == [9_990, 10]
    assert _balance(call, token, _CAROL) == 9_990
    assert _balance(call, token, _ALICE) == _FUNDS - 1 - 9_990


def test_a_pause_and_the_black_list_stop_transfers(token: bytes, call: Call) -> None:
    call(token, "pause()")
    assert call(token, _TRANSFER, _BOB, 1).result is Result.REVERT
    call(token, "unpause()")
    call(token, "addBlackList(address)", _ALICE)
    assert call(token, _TRANSFER, _BOB, 1).result is Result.REVERT
    call(token, "removeBlackList(address)", _ALICE)
    assert call(token, _TRANSFER, _BOB, 1).result is Result.SUCCESS


def test_black_funds_are_destroyed_without_a_transfer_log(token: bytes, call: Call) -> None:
    call(token, _TRANSFER, _BOB, 40)
    call(token, "addBlackList(address)", _BOB)
    outcome = call(token, "destroyBlackFunds(address)", _BOB)
    assert len(outcome.logs) == 1
    assert _balance(call, token, _BOB) == 0


def test_a_deprecated_token_asks_its_successor(
    token: bytes, call: Call, deploy: Callable[..., bytes]
) -> None:
    successor = deploy("TronToken", _CONSTRUCTOR, ("Tether USD 2", "USDT", 6, _ALICE))
    call(successor, "issue(uint256)", 3)
    call(token, "deprecate(address)", "0x" + successor.hex())
    assert _balance(call, token, _ALICE) == 3
    assert call(token, _TRANSFER, _BOB, 1).result is not Result.SUCCESS
