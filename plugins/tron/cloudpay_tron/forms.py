"""Addresses as bytes, as Base58Check text and as the hexadecimal text that nodes write."""

from functools import lru_cache

import base58
from Crypto.Hash import keccak

PREFIX = b"\x41"
"""What every address of TRON begins with, main net and test nets alike (TRON, "Account model": address format)."""
_BYTES = 21
_TEXT = 34
_WORD = 32


def keccak256(data: bytes) -> bytes:
    """Answer the Keccak-256 digest (the one of Ethereum, not SHA3-256)."""
    return keccak.new(digest_bits=256, data=data).digest()


def written(raw: bytes) -> str:
    """Write the 21 bytes of an address as people read it, `T…`; raises `ValueError` for any others."""
    if len(raw) != _BYTES or raw[:1] != PREFIX:
        raise ValueError(f"{raw.hex()[:100]} is no address of TRON")
    return base58.b58encode_check(raw).decode("ascii")


@lru_cache(maxsize=65_536)
def address_bytes(address: str) -> bytes:
    """Answer the 21 bytes of an address `T…`; raises `ValueError` for what is none."""
    if len(address) != _TEXT:
        raise ValueError(f"{address[:100]!r} is no address of TRON")
    raw = base58.b58decode_check(address)
    if len(raw) != _BYTES or raw[:1] != PREFIX:
        raise ValueError(f"{address[:100]!r} is no address of TRON")
    return raw


@lru_cache(maxsize=65_536)
def from_hex(digits: str) -> str:
    """Answer an address that a node wrote as 42 hexadecimal digits, `41…`; the same ones come again and again."""
    return written(bytes.fromhex(digits))


def from_word(word: bytes) -> str | None:
    """Answer the address in a 32-byte word of the virtual machine, 20 bytes behind 12 zeros; None for any other."""
    return written(PREFIX + word[12:]) if len(word) == _WORD and not any(word[:12]) else None


def to_hex(address: str) -> str:
    """Write an address as nodes do."""
    return address_bytes(address).hex()


def to_word(address: str) -> bytes:
    """Write an address as an argument of a contract: its 20 bytes without the prefix, behind 12 zeros."""
    return address_bytes(address)[1:].rjust(32, b"\0")


def of_public_key(point: bytes) -> str:
    """Answer the address of an uncompressed public key: the last 20 bytes of its Keccak-256 behind the prefix."""
    return written(PREFIX + keccak256(point[1:])[-20:])
