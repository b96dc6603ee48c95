"""Where contracts come to be, and how they go."""

from collections.abc import Callable
from hashlib import sha256

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from cloudpay_devnet.contracts import load_contract
from cloudpay_devnet.tron.state import State
from cloudpay_devnet.tron.tvm import Outcome, Result
from cloudpay_devnet.tron.tvm.messages import contract_address

Call = Callable[..., Outcome]
_ALICE, _BOB, _CAROL, _CONTRACT = b"\xaa" * 20, b"\xbb" * 20, b"\xdd" * 20, b"\xc0" * 20
_ANSWER = "60005260206000f3"
_CALL_ID = sha256(b"call").digest()


def test_a_transaction_and_its_owner_say_where_its_contract_is() -> None:
    """java-tron's WalletUtil.generateContractAddress."""
    transaction, owner = b"\x01" * 32, b"\x02" * 20
    assert contract_address(transaction, owner) == keccak(transaction + b"\x41" + owner)[12:]


def test_a_creation_keeps_the_code_and_the_value(create: Callable[..., Outcome], state: State) -> None:
    outcome = create(bytes.fromhex("60fe60005360016000f3"), value=9)
    assert outcome.created_address is not None
    assert state.code(outcome.created_address) == b"\xfe"
    assert state.balance(outcome.created_address) == 9
    assert outcome.output == b"\xfe"


def test_create_numbers_addresses_by_the_transaction_alone(run: Callable[..., Outcome], state: State) -> None:
    outcome = run("600060006000f050" + "600060006003f0" + _ANSWER, value=3)
    first, second = (keccak(_CALL_ID + number.to_bytes(8, "big"))[12:] for number in (0, 1))
    assert outcome.output == bytes(12) + second
    told = [(entry.to, entry.value, entry.note) for entry in outcome.internal]
    assert told == [(first, 0, "create"), (second, 3, "create")]
    assert state.balance(second) == 3
    assert state.is_contract(first)


def test_create2_has_trons_prefix(run: Callable[..., Outcome]) -> None:
    outcome = run("6005600060006000f5" + _ANSWER)
    raw = b"\x41" + _CONTRACT + (5).to_bytes(32, "big") + keccak(b"")
    assert outcome.output == bytes(12) + keccak(raw)[12:]


def test_an_address_is_created_once(run: Callable[..., Outcome]) -> None:
    twice = "6005600060006000f5" * 2 + _ANSWER
    outcome = run(twice, limit=100_000)
    assert outcome.result is Result.OUT_OF_ENERGY
    assert [entry.rejected for entry in outcome.internal] == [True, True]


def test_a_constructor_that_reverts_hands_its_reason_up(run: Callable[..., Outcome]) -> None:
    init_code = "60206000fd"
    outcome = run(f"64{init_code}600052" + "6005601b6000f050" + "3d" + _ANSWER)
    assert int.from_bytes(outcome.output, "big") == 32
    assert [entry.rejected for entry in outcome.internal] == [True]


def test_an_old_contract_that_destroys_itself_gives_its_coins_and_stays(
    deploy: Callable[..., bytes], call: Call, state: State
) -> None:
    purse = deploy("Purse")
    call(purse, value=11)
    outcome = call(purse, "spill(address)", "0x" + _CAROL.hex())
    (told,) = outcome.internal
    assert (told.caller, told.to, told.value, told.note) == (purse, _CAROL, 11, "suicide")
    assert (state.balance(_CAROL), state.balance(purse), state.is_contract(purse)) == (11, 0, True)


def test_a_contract_that_destroys_itself_in_its_first_transaction_is_gone(
    deploy: Callable[..., bytes], call: Call, state: State
) -> None:
    forwarder = deploy("Forwarder")
    outcome = call(forwarder, "sendBySelfdestruct(address)", "0x" + _BOB.hex(), value=4)
    created, suicide = outcome.internal
    assert (created.note, created.value, suicide.note, suicide.value) == ("create", 4, "suicide", 4)
    assert (state.balance(_BOB), state.exists(created.to)) == (4, False)


def test_a_transaction_that_creates_can_pay_and_have_no_receiver(
    create: Callable[..., Outcome], state: State
) -> None:
    init_code = load_contract("Newborn").bytecode + encode(["address"], ["0x" + _BOB.hex()])
    outcome = create(init_code, value=6)
    assert outcome.result is Result.SUCCESS
    assert [(entry.to, entry.value) for entry in outcome.internal] == [(_BOB, 6)]
    assert state.balance(_BOB) == 6


def test_the_third_precompile_is_trons_own(run: Callable[..., Outcome]) -> None:
    outcome = run("60206000" + "60006000" + "6000" + "73" + "00" * 19 + "03" + "5af150" + "60206000f3")
    assert outcome.output == sha256(sha256(b"").digest()[:20]).digest()


def test_a_precompile_that_lacks_energy_fails_its_call_alone(run: Callable[..., Outcome]) -> None:
    outcome = run("60206000" + "60006000" + "6000" + "6002" + "603bf1" + _ANSWER)
    assert (outcome.result, int.from_bytes(outcome.output, "big")) == (Result.SUCCESS, 0)


def test_a_contract_whose_death_was_undone_lives(run: Callable[..., Outcome], state: State) -> None:
    call_the_given_one_and_revert = "60006000600060006000600035" + "621fffff" + "f1" + "60006000fd"
    state.set_code(_BOB, bytes.fromhex(call_the_given_one_and_revert))
    mortal = "73" + _CAROL.hex() + "ff"
    init_code = f"75{mortal}600052" + "6016600af3"
    outcome = run(
        f"7e{init_code}600052601f60016000f06000526000600060206000600073{_BOB.hex()}623ffffff15060206000f3"
    )
    assert [entry.note for entry in outcome.internal] == ["create", "call", "call", "suicide"]
    assert [entry.rejected for entry in outcome.internal] == [False, True, True, True]
    assert state.code(outcome.output[12:]).hex() == mortal
