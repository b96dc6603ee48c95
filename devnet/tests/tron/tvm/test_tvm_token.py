"""A token of Solidity at TRON's prices."""

from collections.abc import Callable

import pytest

from cloudpay_devnet.tron.state import State
from cloudpay_devnet.tron.tvm import Outcome, Result

Call = Callable[..., Outcome]
_ALICE, _BOB = "0x" + "aa" * 20, "0x" + "bb" * 20
_CONSTRUCTOR = ("string", "string", "uint8", "bool", "address")
_TRANSFER = "transfer(address,uint256)"
_FUNDS = 10**9

# A transfer to a holder, counted in the compiled code: two slots written again, a log of four topics' and one word's
# size, four slots read, four hashes, ten memory writes and four reads, 12 jumps on a condition, 11 without one,
# 21 landings, and 200 operations of the stack.
_STORED = 2 * 5_000
_LOGGED = 375 + 3 * 375 + 32 * 8
_TO_A_HOLDER = _STORED + _LOGGED + 4 * 50 + 4 * (30 + 2 * 6) + 12 * 10 + 11 * 8 + 21 + 10 + 15 + 4 + 578


@pytest.fixture
def token(deploy: Callable[..., bytes], call: Call) -> bytes:
    token = deploy("DevToken", _CONSTRUCTOR, ("Tether USD", "USDT", 6, False, _ALICE))
    assert call(token, "mint(address,uint256)", _ALICE, _FUNDS).result is Result.SUCCESS
    return token


def _balance(call: Call, token: bytes, account: str) -> int:
    return int.from_bytes(call(token, "balanceOf(address)", account, constant=True).output, "big")


def test_a_transfer_moves_the_token_and_logs_it(token: bytes, call: Call) -> None:
    outcome = call(token, _TRANSFER, _BOB, 25)
    assert (outcome.result, int.from_bytes(outcome.output, "big")) == (Result.SUCCESS, 1)
    assert (_balance(call, token, _BOB), _balance(call, token, _ALICE)) == (25, _FUNDS - 25)
    (log,) = outcome.logs
    assert log.address == token
    assert log.topics[1:] == (bytes(12) + b"\xaa" * 20, bytes(12) + b"\xbb" * 20)
    assert int.from_bytes(log.data, "big") == 25
    assert log.topics[0].hex() == "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


def test_a_transfer_to_a_holder_costs_what_its_operations_add_up_to(token: bytes, call: Call) -> None:
    call(token, _TRANSFER, _BOB, 1)
    assert call(token, _TRANSFER, _BOB, 1).energy_used == _TO_A_HOLDER


def test_a_new_holder_costs_fifteen_thousand_more(token: bytes, call: Call) -> None:
    """As on the main net, where USDT took 14,650 and 29,650 before it had a factor."""
    assert call(token, _TRANSFER, _BOB, 1).energy_used == _TO_A_HOLDER + 15_000


def test_the_highest_factor_makes_it_four_times_and_two_fifths(token: bytes, call: Call) -> None:
    """The main net's USDT: 64,285 to a holder is 4.4 times 14,650 less what the operations round down."""
    call(token, _TRANSFER, _BOB, 1)
    outcome = call(token, _TRANSFER, _BOB, 1, factor=34_000)
    unrounded = _TO_A_HOLDER * 44 // 10
    assert unrounded - 271 < outcome.energy_used < unrounded
    assert outcome.energy_penalty == outcome.energy_used - _TO_A_HOLDER


def test_one_energy_too_little_is_out_of_energy(token: bytes, call: Call, state: State) -> None:
    call(token, _TRANSFER, _BOB, 1)
    assert call(token, _TRANSFER, _BOB, 1, limit=_TO_A_HOLDER).result is Result.SUCCESS
    before = state.dump()
    outcome = call(token, _TRANSFER, _BOB, 1, limit=_TO_A_HOLDER - 1)
    assert (outcome.result, outcome.energy_used) == (Result.OUT_OF_ENERGY, _TO_A_HOLDER - 1)
    assert outcome.error.startswith("Not enough energy for '")
    assert (state.dump(), outcome.logs) == (before, ())


def test_more_than_the_balance_reverts_with_the_reason(token: bytes, call: Call) -> None:
    outcome = call(token, _TRANSFER, _BOB, _FUNDS + 1)
    assert outcome.result is Result.REVERT
    assert outcome.output[-64:] == _FUNDS.to_bytes(32, "big") + (_FUNDS + 1).to_bytes(32, "big")


def test_a_constant_call_tells_the_energy_of_a_transfer(token: bytes, call: Call) -> None:
    estimate = call(token, _TRANSFER, _BOB, 1, constant=True)
    assert _balance(call, token, _BOB) == 0
    assert call(token, _TRANSFER, _BOB, 1).energy_used == estimate.energy_used


def test_a_proxy_runs_the_tokens_code_on_its_own_storage(
    token: bytes, call: Call, deploy: Callable[..., bytes]
) -> None:
    proxy = deploy("TokenProxy", ("address",), ("0x" + token.hex(),))
    assert _balance(call, proxy, _ALICE) == 0
    assert call(proxy, _TRANSFER, _BOB, 1).result is Result.REVERT
