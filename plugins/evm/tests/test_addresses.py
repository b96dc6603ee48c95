"""Addresses: derived, read from people, written for wallets."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudpay.chains.errors import InvalidAddress
from cloudpay.chains.types import PaymentRequest
from cloudpay_evm.addresses import EvmAddresses

ADDRESSES = EvmAddresses("evm", 1)
XPUB = (  # m/44'/60'/0' of "test test test test test test test test test test test junk"
    "xpub6Ce9NcJvTk36xtLSrJLZqE7wtgA5deCeYs7rSQtreh4cj6ByPtrg9sD7V2FNFLPnf8heNP3FGkeV9qwfzvZNSd54JoNXVsXFYSYwHsnJxqP"
)
FIRST = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


def test_the_addresses_are_those_that_every_wallet_derives() -> None:
    derived = [ADDRESSES.derive(XPUB, 0, index) for index in range(3)]
    assert derived == [
        FIRST,
        "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
    ]


# The examples of EIP-55.
@pytest.mark.parametrize(
    "address",
    [
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "0xde709f2102306220921060314715629080e2fb77",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ],
)
def test_every_case_is_read_and_the_checksum_is_written(address: str) -> None:
    for spelling in (address, address.lower(), "0x" + address[2:].upper(), "0X" + address[2:].upper()):
        assert ADDRESSES.parse(spelling) == address


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (FIRST.replace("a", "A", 1), "checksum"),
        (FIRST[:-1], "39 hexadecimal digits"),
        (FIRST + "0", "41 hexadecimal digits"),
        (FIRST[2:], "must begin with 0x"),
        (FIRST + " ", "space"),
        (FIRST + "\n", "space"),
        (FIRST[:-1] + "g", "40 hexadecimal digits"),
        ("", "empty"),
        ("0x" + "0" * 40, "zero address"),
        ("0x" + "a1" * 32, "64 hexadecimal digits"),
        ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "TRON"),
        ("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "Bitcoin"),
        ("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "Bitcoin"),
        ("vitalik.eth", "names are not looked up"),
        ("0x" + "а" * 40, "CYRILLIC SMALL LETTER A"),
        ("0x" + "０" * 40, "FULLWIDTH DIGIT ZERO"),
    ],
)
def test_what_is_no_address_is_refused_with_its_reason(text: str, reason: str) -> None:  # F65
    with pytest.raises(InvalidAddress) as raised:
        ADDRESSES.parse(text)
    assert reason in raised.value.reason


def test_a_private_key_that_was_pasted_by_mistake_is_not_repeated() -> None:  # F98
    secret = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
    for text in (secret, "0x" + secret):
        with pytest.raises(InvalidAddress) as raised:
            ADDRESSES.parse(text)
        assert secret[8:] not in str(raised.value) + raised.value.text


@given(st.text(max_size=60))
def test_parse_answers_an_address_or_refuses(text: str) -> None:
    with suppress(InvalidAddress):  # nearly every text
        assert ADDRESSES.parse(ADDRESSES.parse(text)) == ADDRESSES.parse(text)


def test_a_native_payment_is_a_link_and_a_browser_request() -> None:
    made = EvmAddresses("polygon", 137).payment_uri(
        PaymentRequest(FIRST, None, 2_014 * 10**15, 18, "Tea & milk")
    )
    assert made.uri == f"ethereum:{FIRST}@137?value=2014000000000000000"
    assert made.browser is not None and made.browser.method == "eth_sendTransaction"
    assert json.loads(made.browser.params) == [{"to": FIRST, "value": hex(2_014 * 10**15), "chainId": "0x89"}]


def test_a_token_payment_is_a_transfer_of_that_contract() -> None:
    from eth_abi.abi import encode

    token, amount = "0xdAC17F958D2ee523a2206206994597C13D831ec7", 2**256 - 1
    made = ADDRESSES.payment_uri(PaymentRequest(FIRST, token, amount, 6, "tea"))
    assert made.uri == f"ethereum:{token}@1/transfer?address={FIRST}&uint256={amount}"
    assert made.browser is not None
    (call,) = json.loads(made.browser.params)
    assert (call["to"], call["value"], call["chainId"]) == (token, "0x0", "0x1")
    assert call["data"] == "0xa9059cbb" + encode(["address", "uint256"], [FIRST, amount]).hex()
