"""A signer for tests: the keys below BIP-39 words, held in memory as no gateway holds them."""

import hashlib
import hmac
from functools import cache

from coincurve import PrivateKey
from Crypto.Hash import RIPEMD160

from cloudpay.chains.hd import HARDENED, ExtendedPublicKey
from cloudpay.chains.spending import KeyPath
from cloudpay.wallets.seed import to_seed

WORDS = "test test test test test test test test test test test junk"
"""The words that every development chain funds."""


class SeedSigner:
    """A `cloudpay.chains.spending.Signer` over words and the coin type of a key family (BIP-32, BIP-44).

    It derives by itself, so that a test holds the gateway's own derivation against another one.
    """

    def __init__(self, words: str = WORDS, coin_type: int = 1) -> None:
        self._words, self._coin_type = words, coin_type

    def account_public_key(self, account: int = 0) -> str:
        """Answer an account's extended public key, as `Addresses.derive` takes it."""
        path = self._account(account)
        key, chain_code = _node(self._words, *path)
        parent, _ = _node(self._words, *path[:-1])
        fingerprint = RIPEMD160.new(hashlib.sha256(parent.public_key.format()).digest()).digest()[:4]
        node = ExtendedPublicKey(key.public_key.format(), chain_code, len(path), fingerprint, path[-1])
        return node.serialise()

    def public_key(self, path: KeyPath) -> bytes:
        """Answer a compressed public key."""
        return self._key(path).public_key.format()

    def sign(self, path: KeyPath, digest: bytes) -> bytes:
        """Answer 65 bytes: r, s and the recovery id."""
        return self._key(path).sign_recoverable(digest, hasher=None)

    def _key(self, path: KeyPath) -> PrivateKey:
        return _node(self._words, *self._account(path.account), path.chain, path.index)[0]

    def _account(self, number: int) -> tuple[int, ...]:
        return HARDENED + 44, HARDENED + self._coin_type, HARDENED + number


@cache
def _node(words: str, *path: int) -> tuple[PrivateKey, bytes]:
    """A private key and its chain code (BIP-32, "Private parent key → private child key")."""
    if not path:
        digest = hmac.digest(b"Bitcoin seed", to_seed(words), hashlib.sha512)
        return PrivateKey(digest[:32]), digest[32:]
    key, chain_code = _node(words, *path[:-1])
    parent = b"\0" + key.secret if path[-1] >= HARDENED else key.public_key.format()
    digest = hmac.digest(chain_code, parent + path[-1].to_bytes(4), hashlib.sha512)
    return key.add(digest[:32]), digest[32:]
