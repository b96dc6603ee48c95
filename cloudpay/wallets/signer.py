"""The only code that touches a private key."""

import hashlib
import hmac
from typing import Final

from coincurve import PrivateKey
from Crypto.Hash import RIPEMD160

from cloudpay.chains.hd import HARDENED, ExtendedPublicKey
from cloudpay.chains.spending import KeyPath
from cloudpay.wallets.seed import to_seed

_PURPOSE: Final = 44  # BIP-44
_ROOT_LABEL: Final = b"Bitcoin seed"  # BIP-32, "Master key generation"
_DIGEST_BYTES: Final = 32


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

    def child(self, index: int) -> "_PrivateNode":
        """Answer the child that public derivation finds too (BIP-32, "Private parent key → private child key")."""
        if not 0 <= index < HARDENED:
            raise ValueError(f"child {index} is not below 2**31")
        digest = hmac.digest(self._chain_code, self._point + index.to_bytes(4), hashlib.sha512)
        return _PrivateNode(self._key.add(digest[:32]), digest[32:], self._depth + 1, self.fingerprint, index)

    def sign(self, digest: bytes) -> bytes:
        """Answer r, s (the lower of the two) and the recovery number, 65 bytes; the nonce is that of RFC 6979."""
        return self._key.sign_recoverable(digest, hasher=None)

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

    def ring(self, coin_type: int) -> "KeyRing":
        """Answer what signs with the keys below m/44'/coin_type'."""
        return KeyRing(self._root.hardened(_PURPOSE).hardened(coin_type))


class KeyRing:
    """Signs with the keys of one key family: `cloudpay.chains.spending.Signer`.

    A key is derived when it is first asked for, and forgotten with this object, which lives for one pass of the sender.
    """

    __slots__ = ("_accounts", "_coin", "_keys")

    def __init__(self, coin: _PrivateNode) -> None:
        self._coin = coin
        self._accounts: dict[int, _PrivateNode] = {}
        self._keys: dict[KeyPath, _PrivateNode] = {}

    def sign(self, path: KeyPath, digest: bytes) -> bytes:
        """Answer the signature of a 32-byte digest: 65 bytes r, s, v, with v from 0 to 3."""
        if len(digest) != _DIGEST_BYTES:
            raise ValueError(f"a digest has {_DIGEST_BYTES} bytes, not {len(digest)}")
        if path not in self._keys:
            self._keys[path] = self._account(path.account).child(path.chain).child(path.index)
        return self._keys[path].sign(digest)

    def account_public_key(self, account: int) -> str:
        """Answer the extended public key of an account, derived from the seed and not read from the database."""
        return self._account(account).public.serialise()

    def _account(self, account: int) -> _PrivateNode:
        if account not in self._accounts:
            self._accounts[account] = self._coin.hardened(account)
        return self._accounts[account]
