"""The only code that touches a private key."""

import hashlib
import hmac
from typing import Final

from coincurve import PrivateKey
from Crypto.Hash import RIPEMD160

from cloudpay.chains.hd import HARDENED, ExtendedPublicKey
from cloudpay.wallets.seed import to_seed

_PURPOSE: Final = 44  # BIP-44
_ROOT_LABEL: Final = b"Bitcoin seed"  # BIP-32, "Master key generation"


class _PrivateNode:
    """A BIP-32 private node; it has no readable form, so that it cannot slip into a log."""

    __slots__ = ("_chain_code", "_depth", "_key", "_number", "_parent")

    def __init__(self, key: PrivateKey, chain_code: bytes, depth: int, parent: bytes, number: int) -> None:
        self._key, self._chain_code = key, chain_code
        self._depth, self._parent, self._number = depth, parent, number

    def hardened(self, index: int) -> "_PrivateNode":
        """Answer the hardened child (BIP-32, "Private parent key → private child key")."""
        number = HARDENED + index
        digest = hmac.digest(self._chain_code, b"\0" + self._key.secret + number.to_bytes(4), hashlib.sha512)
        return _PrivateNode(
            self._key.add(digest[:32]), digest[32:], self._depth + 1, self.fingerprint, number
        )

    @property
    def fingerprint(self) -> bytes:
        """The first four bytes of the public key's hash (BIP-32, "Key identifiers")."""
        return RIPEMD160.new(hashlib.sha256(self._point).digest()).digest()[:4]

    @property
    def public(self) -> ExtendedPublicKey:
        """The same node without its private key."""
        return ExtendedPublicKey(self._point, self._chain_code, self._depth, self._parent, self._number)

    @property
    def _point(self) -> bytes:
        return self._key.public_key.format(compressed=True)


class MasterKey:
    """The root of every key of this gateway."""

    __slots__ = ("_root",)

    def __init__(self, seed: bytes) -> None:
        digest = hmac.digest(_ROOT_LABEL, seed, hashlib.sha512)
        self._root = _PrivateNode(PrivateKey(digest[:32]), digest[32:], 0, bytes(4), 0)

    @classmethod
    def from_words(cls, words: str) -> "MasterKey":
        """Derive the root from BIP-39 words."""
        return cls(to_seed(words))

    @property
    def fingerprint(self) -> str:
        """Eight hexadecimal digits that name this seed and give nothing of it away."""
        return self._root.fingerprint.hex()

    def account_public_keys(self, coin_type: int, accounts: range) -> list[str]:
        """Answer the extended public keys of m/44'/coin_type'/account' for these accounts."""
        coin = self._root.hardened(_PURPOSE).hardened(coin_type)
        return [coin.hardened(account).public.serialise() for account in accounts]
