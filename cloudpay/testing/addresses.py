"""Addresses of the fake chain family: cheap, deterministic, with a checksum that catches a wrong character."""

import hashlib
import re
from urllib.parse import quote

from cloudpay.chains.errors import InvalidAddress
from cloudpay.chains.hd import derive_public_key
from cloudpay.chains.types import KeyFamily, PaymentRequest, PaymentUri

FAKE_FAMILY = KeyFamily("fake", coin_type=1)  # SLIP-44: 1 is every coin's test network
_FORM = re.compile(r"fake1[0-9a-f]{40}", re.ASCII)
_BODY = 32


def fake_address(seed: str) -> str:
    """Answer the address that belongs to any text; the same text always gives the same address."""
    body = hashlib.sha256(seed.encode()).hexdigest()[:_BODY]
    return f"fake1{body}{_checksum(body)}"


def key_address(public_key: bytes) -> str:
    """Answer the address that a public key's owner can send from."""
    return fake_address(public_key.hex())


class FakeAddresses:
    """The light half of the fake plugin: `fake1`, 32 hexadecimal digits, 8 of checksum; kept in lower case."""

    def __init__(self, network: str = "fake") -> None:
        self._network = network

    def derive(self, account_public_key: str, chain: int, index: int) -> str:
        """Answer the address of the key at chain/index below an account's extended public key."""
        return key_address(derive_public_key(account_public_key, chain, index))

    def parse(self, text: str) -> str:
        """Answer the address in lower case; raises `InvalidAddress`."""
        address = text.lower()
        if address.startswith("tfake1"):
            raise InvalidAddress(text, self._network, "it belongs to the test network")
        if not _FORM.fullmatch(address):
            raise InvalidAddress(text, self._network, "it is not fake1 and 40 hexadecimal digits")
        body, checksum = address[5 : 5 + _BODY], address[5 + _BODY :]
        if _checksum(body) != checksum:
            raise InvalidAddress(text, self._network, "its checksum does not fit; a character is wrong")
        return address

    def payment_uri(self, request: PaymentRequest) -> PaymentUri:
        """Answer `fake:ADDRESS?amount=BASE_UNITS`, with the token where there is one."""
        token = f"&token={request.contract}" if request.contract else ""
        return PaymentUri(
            f"fake:{request.address}?amount={request.amount}{token}&label={quote(request.label)}"
        )


def _checksum(body: str) -> str:
    return hashlib.sha256(b"fake" + body.encode()).hexdigest()[:8]
