"""Keccak-256 and the mixed-case checksum of EIP-55."""

from functools import lru_cache

from Crypto.Hash import keccak


def keccak256(data: bytes) -> bytes:
    """Answer the Keccak-256 digest (the one of Ethereum, not SHA3-256)."""
    return keccak.new(digest_bits=256, data=data).digest()


def checksummed(digits: str) -> str:
    """Write 40 hexadecimal digits in lower case as an address, with the checksum of EIP-55."""
    nibbles = keccak256(digits.encode()).hex()
    return "0x" + "".join(
        [
            high if nibble > "7" else low
            for high, low, nibble in zip(digits.upper(), digits, nibbles, strict=False)
        ]
    )


@lru_cache(maxsize=65_536)
def normalised(address: str) -> str:
    """Answer an address that a node wrote, in any case, as `parse` would; the same ones come again and again."""
    return checksummed(address[2:].lower())
