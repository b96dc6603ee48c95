"""The contracts at the addresses 1 to 8, in py-evm's words at java-tron's prices (PrecompiledContracts.java)."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from eth import constants
from eth.exceptions import VMError
from eth.precompiles.ecadd import ecadd
from eth.precompiles.ecmul import ecmul
from eth.precompiles.ecpairing import ecpairing
from eth.precompiles.ecrecover import ecrecover
from eth.precompiles.identity import identity
from eth.precompiles.modexp import modexp
from eth.precompiles.sha256 import sha256 as single_hash
from eth_utils.exceptions import ValidationError

_ISTANBUL_ADD, _ISTANBUL_MULTIPLY, _ISTANBUL_PAIRING, _ISTANBUL_PAIR = 150, 6_000, 45_000, 34_000


class _Question:
    """As much of a computation as a precompile looks at."""

    def __init__(self, data: bytes) -> None:
        self.msg = self
        self.data = self.data_as_bytes = data
        self.used = 0
        self.output = b""

    def consume_gas(self, amount: int, reason: str) -> None:
        """Adds to the price."""
        self.used += amount


def _twice_hashed(question: _Question) -> None:
    """Address 3 is no RIPEMD-160 on TRON: SHA-256 of the first 20 bytes of SHA-256, at RIPEMD-160's price."""
    words = (len(question.data) + 31) // 32
    question.consume_gas(constants.GAS_RIPEMD160 + constants.GAS_RIPEMD160WORD * words, "Ripempd160")
    question.output = sha256(sha256(question.data).digest()[:20]).digest()


def _priced(precompile: Callable[..., Any], **prices: int) -> Callable[[_Question], None]:
    return lambda question: precompile(question, **prices)


PRECOMPILES: dict[bytes, Callable[[_Question], None]] = {
    number.to_bytes(20, "big"): contract
    for number, contract in enumerate(
        (
            _priced(ecrecover),
            _priced(single_hash),
            _twice_hashed,
            _priced(identity),
            _priced(modexp),
            _priced(ecadd, gas_cost=_ISTANBUL_ADD),
            _priced(ecmul, gas_cost=_ISTANBUL_MULTIPLY),
            _priced(ecpairing, gas_cost_base=_ISTANBUL_PAIRING, gas_cost_per_point=_ISTANBUL_PAIR),
        ),
        start=1,
    )
}


def answer(address: bytes, data: bytes) -> tuple[int, bytes | None]:
    """The energy that a question costs, and the answer; None if it was no good."""
    question = _Question(data)
    try:
        PRECOMPILES[address](question)
    except (VMError, ValidationError):
        return question.used, None
    return question.used, question.output
