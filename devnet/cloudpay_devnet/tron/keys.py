"""The well-known development keys, and what signing with one takes."""

from dataclasses import dataclass
from functools import cache

from coincurve import PrivateKey, PublicKey

from cloudpay_devnet.tron.addresses import of_public_key, to_base58

MNEMONIC = "test test test test test test test test test test test junk"
PATH = "m/44'/195'/0'/0/{}"
ACCOUNTS = 10
_RECOVERY_OFFSET = 27  # wallets write 27 and 28 as Bitcoin's message signatures do; the node takes both


@dataclass(frozen=True)
class DevKey:
    """A key that everybody knows. Real money sent to it is gone within seconds."""

    private_key: str

    @property
    def address(self) -> bytes:
        """The 21 bytes."""
        return of_public_key(PrivateKey.from_hex(self.private_key).public_key.format(compressed=False))

    @property
    def base58(self) -> str:
        """The address as people see it."""
        return to_base58(self.address)

    def sign(self, digest: bytes) -> bytes:
        """The 65 bytes r, s and v."""
        return PrivateKey.from_hex(self.private_key).sign_recoverable(digest, hasher=None)


@cache
def dev_keys() -> tuple[DevKey, ...]:
    """The accounts that a new chain funds: those of `MNEMONIC` on TRON's path."""
    from eth_account.hdaccount import key_from_seed, seed_from_mnemonic

    seed = seed_from_mnemonic(MNEMONIC, "")
    return tuple(DevKey(key_from_seed(seed, PATH.format(index)).hex()) for index in range(ACCOUNTS))


# The block producer. Any key would do; this one is not among the funded ones.
WITNESS = DevKey("07" * 32)


def signer_of(digest: bytes, signature: bytes) -> bytes:
    """The address whose key made a signature; raises ValueError."""
    recovery = signature[64]
    if recovery >= _RECOVERY_OFFSET:
        recovery -= _RECOVERY_OFFSET
    try:
        key = PublicKey.from_signature_and_message(signature[:64] + bytes([recovery]), digest, hasher=None)
    except Exception as error:
        raise ValueError("Signature could not be recovered") from error
    return of_public_key(key.format(compressed=False))
