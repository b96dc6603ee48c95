"""Whatever a contract does, the machine ends with a result and the books are right."""

from hypothesis import given, settings
from hypothesis import strategies as st

from cloudpay_devnet.tron.state import State
from cloudpay_devnet.tron.tvm import Block, Message, Result, execute
from cloudpay_devnet.tron.tvm.operations import OPERATIONS

_ALICE, _BOB, _CONTRACT = b"\xaa" * 20, b"\xbb" * 20, b"\xc0" * 20
_LIMIT = 60_000
_FUNDS = 1_000

_WORDS = st.one_of(
    st.binary(min_size=1, max_size=1).map(lambda value: b"\x60" + value),
    st.binary(min_size=32, max_size=32).map(lambda value: b"\x7f" + value),
    st.sampled_from([b"\x73" + _BOB, b"\x30", b"\x5a", b"\x5f"]),
)
_STEPS = st.one_of(_WORDS, _WORDS, st.sampled_from(sorted(OPERATIONS)).map(lambda code: bytes([code])))
_CODE = st.lists(_STEPS, max_size=60).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(code=_CODE, neighbour=_CODE, data=st.binary(max_size=64), constant=st.booleans())
def test_any_code_ends_within_its_limit_and_makes_no_coins(
    code: bytes, neighbour: bytes, data: bytes, *, constant: bool
) -> None:
    state = State()
    for address in (_ALICE, _BOB, _CONTRACT):
        state.add_balance(address, _FUNDS)
    state.set_code(_CONTRACT, code)
    state.set_code(_BOB, neighbour)
    before = state.dump()
    message = Message(bytes(32), _ALICE, _ALICE, _CONTRACT, 7, data, _LIMIT, constant=constant)
    outcome = execute(state, message, Block(300, 1, bytes(20), 1, 100))
    assert 0 <= outcome.energy_used <= _LIMIT
    if outcome.result is not Result.SUCCESS or constant:
        assert state.dump() == before
    if outcome.result is not Result.SUCCESS:
        assert all(entry.rejected for entry in outcome.internal)
        assert outcome.logs == ()
    held = sum(state.balance(address) for address in state.addresses())
    # A contract that dies in its first transaction with itself for an heir takes its coins with it.
    burnt = any(entry.note == "suicide" and entry.caller == entry.to for entry in outcome.internal)
    assert held == 3 * _FUNDS or (held < 3 * _FUNDS and burnt)
