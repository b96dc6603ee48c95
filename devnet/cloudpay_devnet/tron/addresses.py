"""TRON's addresses: 0x41 and twenty bytes, as hexadecimal text or Base58 with a checksum."""

from hashlib import sha256

from base58 import b58decode_check, b58encode_check
from eth_utils.crypto import keccak

PREFIX = b"\x41"
LENGTH = 21
ZERO = PREFIX + bytes(20)


def is_address(value: bytes) -> bool:
    """True for 21 bytes that begin with 0x41."""
    return len(value) == LENGTH and value[:1] == PREFIX


def to_base58(address: bytes) -> str:
    """The form that people see: `T…`."""
    return b58encode_check(address).decode()


def from_text(text: str) -> bytes:
    """An address from either form; raises ValueError."""
    if len(text) == 2 * LENGTH and text[:2] == "41":
        return bytes.fromhex(text)
    address = b58decode_check(text)
    if not is_address(address):
        raise ValueError(f"{text} is not a TRON address")
    return address


def of_public_key(key: bytes) -> bytes:
    """The address of an uncompressed public key of 65 bytes."""
    return PREFIX + keccak(key[1:])[12:]


def of_contract(transaction_id: bytes, owner: bytes) -> bytes:
    """The address that a deployment's contract gets."""
    return PREFIX + keccak(transaction_id + owner)[12:]


def hash_of(data: bytes) -> bytes:
    """SHA-256: TRON's hash for transactions and blocks."""
    return sha256(data).digest()
