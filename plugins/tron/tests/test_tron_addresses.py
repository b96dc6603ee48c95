"""Addresses: derived, read from people, written for wallets."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudpay.chains.errors import InvalidAddress
from cloudpay.chains.types import PaymentRequest
from cloudpay.testing import SeedSigner
from cloudpay_devnet.tron.keys import dev_keys
from cloudpay_tron.addresses import TronAddresses
from cloudpay_tron.forms import from_hex, to_hex

ADDRESSES = TronAddresses("tron")
USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
USDT_HEX = "41a614f803b6fd780986a42c78ec9c7f77e6ded13c"  # as explorers and TRON's documents write it


def test_the_addresses_are_those_that_wallets_derive() -> None:
    account = SeedSigner(coin_type=195).account_public_key()
    derived = [ADDRESSES.derive(account, 0, index) for index in range(3)]
    assert derived == [key.base58 for key in dev_keys()[:3]]  # another library's derivation


def test_base58_and_hexadecimal_text_are_read_and_base58_is_written() -> None:
    for spelling in (USDT, USDT_HEX, USDT_HEX.upper()):
        assert ADDRESSES.parse(spelling) == USDT
    assert (from_hex(USDT_HEX), to_hex(USDT)) == (USDT, USDT_HEX)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (USDT[:-1] + "u", "checksum"),
        (USDT.replace("H", "h"), "checksum"),
        (USDT[:-1], "33 characters instead of 34"),
        (USDT + "1", "35 characters instead of 34"),
        (USDT[:-1] + "0", "which no address has"),
        (USDT.lower(), "upper and lower case"),
        (USDT.upper(), "upper and lower case"),
        (USDT + " ", "space"),
        (USDT + "\n", "space"),
        ("", "empty"),
        ("T" + "\u0420" + USDT[2:], "CYRILLIC CAPITAL LETTER ER"),
        ("0x" + USDT_HEX[2:], "starts with 0x"),
        ("0x" + USDT_HEX, "leave out the 0x"),
        ("41" + "0" * 40, "zero address"),
        ("T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb", "zero address"),
        ("a0" + USDT_HEX[2:], "test net that is no more"),
        ("27Lv4hjmRQkH5oXk4oBiJ8iCtwvcxgUT1k3", "test net that is no more"),
        ("a1" * 32, "64 hexadecimal digits"),
        ("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "Bitcoin"),
        ("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "Bitcoin"),
        ("vitalik.eth", "begins with T"),
    ],
)
def test_what_is_no_address_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidAddress, match=reason):
        ADDRESSES.parse(text)


def test_what_may_be_a_private_key_does_not_come_back() -> None:
    with pytest.raises(InvalidAddress) as raised:
        ADDRESSES.parse("ab" * 32)
    assert "abababab" not in str(raised.value)


@given(st.binary(min_size=20, max_size=20).filter(any))
def test_every_address_is_read_as_it_is_written(body: bytes) -> None:
    address = from_hex("41" + body.hex())
    assert ADDRESSES.parse(address) == address == ADDRESSES.parse(to_hex(address))


@given(st.text(max_size=50))
def test_no_text_is_read_as_something_else_than_it_says(text: str) -> None:
    with suppress(InvalidAddress):
        assert to_hex(ADDRESSES.parse(text)) in (text.lower(), to_hex(text) if text[:1] == "T" else "")


@pytest.mark.parametrize(
    ("amount", "decimals", "contract", "uri"),
    [
        (1_500_000, 6, None, f"tron:{USDT}?amount=1.5"),
        (2_000_000, 6, USDT, f"tron:{USDT}?amount=2&token={USDT}"),
        (1, 18, USDT, f"tron:{USDT}?amount=0.000000000000000001&token={USDT}"),
        (7, 0, None, f"tron:{USDT}?amount=7"),
    ],
)
def test_a_payment_link_has_whole_and_exact_amounts(
    amount: int, decimals: int, contract: str | None, uri: str
) -> None:
    told = ADDRESSES.payment_uri(PaymentRequest(USDT, contract, amount, decimals, "a label&amount=9"))
    assert (told.uri, told.browser) == (uri, None)
