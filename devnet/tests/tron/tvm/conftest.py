"""A state with a rich account, and short ways to run code on it."""

from collections.abc import Callable
from hashlib import sha256

import pytest
from eth_abi.abi import encode

from cloudpay_devnet.contracts import call_data, load_contract
from cloudpay_devnet.tron.state import State
from cloudpay_devnet.tron.tvm import Block, Message, Outcome, execute
from cloudpay_devnet.tron.tvm.messages import contract_address

_ALICE, _BOB, _CONTRACT = b"\xaa" * 20, b"\xbb" * 20, b"\xc0" * 20


def _block(factor: int) -> Block:
    return Block(
        1000,
        1_700_000_000,
        b"\xee" * 20,
        0x2B6653DC,
        100,
        block_hash=lambda number: number.to_bytes(32, "big"),
        energy_factor=lambda _: factor,
    )


@pytest.fixture
def state() -> State:
    """Alice has a million TRX, Bob exists, everyone else does not."""
    state = State()
    state.add_balance(_ALICE, 10**12)
    state.create(_BOB)
    return state


@pytest.fixture
def call(state: State) -> Callable[..., Outcome]:
    """Calls a contract from Alice, with raw data or as `signature, *values`."""

    def call(  # what a transaction can say
        to: bytes,
        *said: object,
        value: int = 0,
        limit: int = 10**8,
        data: bytes = b"",
        constant: bool = False,
        factor: int = 0,
    ) -> Outcome:
        if said:
            data = bytes.fromhex(call_data(str(said[0]), *said[1:])[2:])
        identity = sha256(b"call" + data).digest()
        message = Message(identity, _ALICE, _ALICE, to, value, data, limit, constant=constant)
        return execute(state, message, _block(factor))

    return call


@pytest.fixture
def run(state: State, call: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """Calls a contract whose code is given as hexadecimal digits."""

    def run(code: str, **how: object) -> Outcome:
        state.set_code(_CONTRACT, bytes.fromhex(code))
        return call(_CONTRACT, **how)

    return run


@pytest.fixture
def create(state: State) -> Callable[..., Outcome]:
    """Creates a contract from its init code."""

    def create(init_code: bytes, *, value: int = 0, limit: int = 10**8) -> Outcome:
        identity = sha256(init_code).digest()
        address = contract_address(identity, _ALICE)
        message = Message(identity, _ALICE, _ALICE, None, value, init_code, limit, contract_address=address)
        return execute(state, message, _block(0))

    return create


@pytest.fixture
def deploy(create: Callable[..., Outcome]) -> Callable[..., bytes]:
    """Deploys a compiled contract: its name, then the constructor's types and values."""

    def deploy(name: str, types: tuple[str, ...] = (), values: tuple[object, ...] = ()) -> bytes:
        outcome = create(load_contract(name).bytecode + encode(types, values))
        assert outcome.created_address is not None, outcome.error
        return bytes(outcome.created_address)

    return deploy
