"""What bytes can move and cost at most, read from the bytes and the bounds of the settings alone."""

from dataclasses import dataclass
from functools import lru_cache

from coincurve import PublicKey

from cloudpay.chains.spending import Explained, Payee
from cloudpay_tron.forms import of_public_key
from cloudpay_tron.settings import TronSettings
from cloudpay_tron.transactions import Transaction, decode, digest_of

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of secp256k1 (SEC 2)."""
_SUN_PLACES = 6
_REMEMBERED = 64  # what signs and what guards it ask for the same signature's key, one after the other


@dataclass(frozen=True)
class Bounds:
    """What the chain may ask at most: no transaction says so itself, but for `fee_limit`. In sun."""

    energy: int
    bandwidth: int
    activation: int

    def largest_fee(self, transaction: Transaction) -> int:
        """Answer the most that a transaction costs: a new account's fee stands in for its bandwidth, not beside it."""
        for_bytes = transaction.bandwidth * self.bandwidth
        if transaction.contract is None:
            return max(for_bytes, self.activation)
        return transaction.fee_limit + for_bytes


def bounds_of(settings: TronSettings) -> Bounds:
    """Read the bounds of the settings."""
    return Bounds(settings.max_energy_sun, settings.max_bandwidth_sun, _sun(settings.max_activation))


def explain(raw: bytes, bounds: Bounds) -> Explained:
    """Say what bytes, signed or not, can move; raises `ValueError` for any other kind."""
    transaction, signature = decode(raw)
    payee = Payee(transaction.recipient, transaction.contract, transaction.amount)
    sender = sender_of(digest_of(transaction), signature) if signature else transaction.owner
    if sender != transaction.owner:
        raise ValueError(f"it is of {transaction.owner}, and signed by the key of {sender}")
    return Explained((payee,), bounds.largest_fee(transaction), expires_at(transaction), sender)


def expires_at(transaction: Transaction) -> int:
    """Answer when it has expired, in whole seconds: it is in no block that comes after one of that time.

    A block takes what expires after its parent's time (java-tron, `Manager.validateCommon`).
    """
    return -(-transaction.expiration // 1000)


@lru_cache(_REMEMBERED)
def sender_of(digest: bytes, signature: bytes) -> str:
    """Recover who signed a digest; raises `ValueError` for what no key signed, and for a signature's twin."""
    r, s, parity = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64]), signature[64]
    if not 0 < r < ORDER or not 0 < s <= ORDER // 2 or parity not in (0, 1):
        raise ValueError("its signature is none that this gateway gives")
    try:
        key = PublicKey.from_signature_and_message(signature, digest, hasher=None)
    except Exception as error:  # coincurve raises plain exceptions
        raise ValueError("its signature fits no key") from error
    return of_public_key(key.format(compressed=False))


def _sun(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole + part.ljust(_SUN_PLACES, "0"))
