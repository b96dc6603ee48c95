"""What token contracts answer, believed no further than it goes."""

import pytest

from cloudpay_evm import bytecode, erc20
from cloudpay_evm.errors import NodeFault

_WORD = 32


def word(number: int) -> bytes:
    return number.to_bytes(_WORD)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (word(32) + word(4) + b"USDT".ljust(_WORD, b"\0"), "USDT"),
        (b"MKR".ljust(_WORD, b"\0"), "MKR"),
        (b"", ""),
        (word(32) + word(0), ""),
        (word(32) + word(2**255) + b"LONG".ljust(_WORD, b"\0"), "LONG"),
        (word(2**255) + word(4) + b"FAR".ljust(_WORD, b"\0"), ""),
        (word(32) + word(6) + b"\x1b[31mX".ljust(_WORD, b"\0"), "[31mX"),
        (word(32) + word(96) + b"\xff" * 96, ""),
        (word(32) + word(400) + b"A" * 400, "A" * 40),
    ],
)
def test_a_contracts_text_is_read_whatever_it_claims(answer: bytes, text: str) -> None:
    assert erc20.text("0x" + answer.hex()) == text


@pytest.mark.parametrize("answer", ["0xabc", "0xzz", "none"])
def test_what_is_no_hexadecimal_is_the_nodes_fault(answer: str) -> None:  # F41
    for read in (erc20.unsigned, erc20.text, lambda told: bytecode.answer(told, 1)):
        with pytest.raises(NodeFault, match="where bytes belong"):
            read(answer)
