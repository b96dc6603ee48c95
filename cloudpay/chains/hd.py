"""Public derivation by BIP-32: children of an account's extended public key, without any private key.

Written over libsecp256k1 (coincurve), because no maintained BIP-32 library installs from wheels on every Python that
we support; the tests hold it against the specification's own vectors.
"""

import hashlib
import hmac
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import ClassVar

from coincurve import PublicKey

from cloudpay.kernel.errors import CloudPayError

HARDENED = 0x8000_0000
PUBLIC_VERSION = bytes.fromhex("0488b21e")  # BIP-32, "Serialization format": xpub of the main net

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PAYLOAD_BYTES = 78


class InvalidExtendedKey(CloudPayError):
    """A text is not an extended public key: a stored account key was damaged, or is of another kind."""

    code: ClassVar[str] = "invalid_extended_key"

    def __init__(self, reason: str) -> None:
        super().__init__(f"This is not an extended public key (xpub…): {reason}.")


@dataclass(frozen=True)
class ExtendedPublicKey:
    """A BIP-32 public node: a compressed point and the chain code below it."""

    point: bytes
    chain_code: bytes
    depth: int
    parent: bytes
    number: int

    def child(self, index: int) -> "ExtendedPublicKey":
        """Answer the non-hardened child (BIP-32, "Public parent key → public child key")."""
        key, chain_code = self.child_key(index)
        # Only serialised account keys need the parent's fingerprint; below them nothing is written down.
        return ExtendedPublicKey(key.format(), chain_code, self.depth + 1, bytes(4), index)

    def child_key(self, index: int) -> tuple[PublicKey, bytes]:
        """Answer the key and the chain code of a child alone: all that an address needs."""
        if not 0 <= index < HARDENED:
            raise ValueError(f"child {index} is not below 2**31; a public key has no hardened children")
        digest = hmac.digest(self.chain_code, self.point + index.to_bytes(4), hashlib.sha512)
        return self._key.add(digest[:32]), digest[32:]

    @cached_property
    def _key(self) -> PublicKey:
        """The point, unpacked once: finding its other half is a square root."""
        return PublicKey(self.point)

    def serialise(self) -> str:
        """Write it as xpub text, as every wallet reads it."""
        body = bytes([self.depth]) + self.parent + self.number.to_bytes(4) + self.chain_code + self.point
        return _base58check(PUBLIC_VERSION + body)


def parse_extended_key(text: str) -> ExtendedPublicKey:
    """Read xpub text; raises `InvalidExtendedKey`."""
    payload = _from_base58check(text)
    if payload[:4] != PUBLIC_VERSION:
        raise InvalidExtendedKey("it has another version, as a private or a test-net key has")
    point = payload[45:]
    try:
        PublicKey(point)
    except ValueError as error:
        raise InvalidExtendedKey("its point is not on the curve") from error
    return ExtendedPublicKey(point, payload[13:45], payload[4], payload[5:9], int.from_bytes(payload[9:13]))


def derive_public_key(account_public_key: str, chain: int, index: int, *, compressed: bool = True) -> bytes:
    """Answer the public key at chain/index below an xpub: 33 bytes, or 65 uncompressed; raises `InvalidExtendedKey`."""
    return _branch(account_public_key, chain).child_key(index)[0].format(compressed)


@lru_cache(maxsize=4096)
def _branch(account_public_key: str, chain: int) -> ExtendedPublicKey:
    """The branch is the same for every address of an account, so that an address costs one step."""
    return parse_extended_key(account_public_key).child(chain)


def _base58check(payload: bytes) -> str:
    data = payload + _checksum(payload)
    number, text = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        text = _ALPHABET[digit] + text
    return text  # a version byte of 04 leaves no leading zero to write


def _from_base58check(text: str) -> bytes:
    number = 0
    for letter in text[:200]:
        digit = _ALPHABET.find(letter)
        if digit < 0:
            raise InvalidExtendedKey("it has letters that base58 does not have")
        number = number * 58 + digit
    try:
        data = number.to_bytes(_PAYLOAD_BYTES + 4)
    except OverflowError as error:
        raise InvalidExtendedKey("it is too long") from error
    payload, checksum = data[:_PAYLOAD_BYTES], data[_PAYLOAD_BYTES:]
    if checksum != _checksum(payload):
        raise InvalidExtendedKey("its checksum does not fit")
    return payload


def _checksum(payload: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
