"""The well-known development keys, and what signing with one takes."""

from dataclasses import dataclass

from coincurve import PrivateKey, PublicKey

from cloudpay_devnet.tron.addresses import of_public_key, to_base58

MNEMONIC = "test test test test test test test test test test test junk"
PATH = "m/44'/195'/0'/0/{}"
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


# Derived from MNEMONIC on PATH; a test holds them against the words.
_PRIVATE_KEYS = (
    "15f0bbb1774be40b7a8d7965d637f324bda2f711fc5726a3dcc19585c6950954",
    "9b6ac6a6faf1dc64240f654475a7e668141e4205262367feb7269ef332113929",
    "0c88a7fee5bfbe5a354c225bfa8a9d09557466cdf56f887cc2d000e7354f9453",
    "68c9a7dcaa4677fdeba9f72c8a1d86d0adf34932cdbdb52d90a2d01504d9d4be",
    "a01527c0c2d83e71c8827f2f0ee5c1a6f715a0c9bace1c3da50c6690a4e69fe7",
    "679733f6af4143c82ea340e70029e86fda0fc0232a434172b7f233d96f6ff70f",
    "c41ac8920442be2469a0d6f04c9959e7e9faa3c6be4c3723224a2e06f4fd3aec",
    "ff46c996d2494137bff12940698eae445b696e6da4769933687d607a8fa06dc3",
    "47e922c77f526dea6dcd1bb5d9af55239815fd982799745abe1f646f04ffe776",
    "529ca9c20dd90893928ef9ce2bdfcecbc191ffc5ee93a0171427d9a28ea77718",
)


def dev_keys() -> tuple[DevKey, ...]:
    """The accounts that a new chain funds: those of `MNEMONIC` on TRON's path."""
    return tuple(DevKey(key) for key in _PRIVATE_KEYS)


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
