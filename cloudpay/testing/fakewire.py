"""The bytes of a fake chain's transactions: text of one form, so that a test can read and forge them."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from coincurve import PublicKey

_NUMBER = "(0|[1-9][0-9]{0,99})"
_FORM = re.compile(
    f"fake-transaction ([^ ]+) ([^ ]+) {_NUMBER} ([^ ]+) ([^ ]+) {_NUMBER} {_NUMBER}(?: ([0-9a-f]{{130}}))?"
)
_NATIVE = "native"


@dataclass(frozen=True)
class Wire:
    """What the bytes say: `nonce` is the place in the source's sequence, `fee` the most that is paid."""

    network: str
    source: str
    nonce: int
    recipient: str
    contract: str | None
    amount: int
    fee: int

    def encode(self) -> bytes:
        """Write it as bytes that are not signed."""
        words = (
            self.network,
            self.source,
            self.nonce,
            self.recipient,
            self.contract or _NATIVE,
            self.amount,
            self.fee,
        )
        return " ".join(["fake-transaction", *map(str, words)]).encode("ascii")

    @classmethod
    def decode(cls, raw: bytes) -> "Wire":
        """Read bytes, signed or not; raises `ValueError` for bytes of another kind."""
        return _read(raw)[0]

    @property
    def claim(self) -> str:
        """What no two transactions can both use up."""
        return claim_of(self.source, self.nonce)


def claim_of(source: str, nonce: int) -> str:
    """Answer the claim to a place in an address's sequence."""
    return f"{source}:nonce:{nonce}"


def digest_of(unsigned: bytes) -> bytes:
    """Answer what is signed."""
    return hashlib.sha256(unsigned).digest()


def sealed(unsigned: bytes, signature: bytes) -> bytes:
    """Put a signature of 65 bytes behind what it signs."""
    return unsigned + b" " + signature.hex().encode("ascii")


def id_of(raw: bytes) -> str:
    """Answer the id of a signed transaction."""
    return "0x" + hashlib.sha256(raw).hexdigest()


def signed_by_source(raw: bytes, address_of: Callable[[bytes], str]) -> bool:
    """Say whether the key of the address that pays has signed these bytes."""
    wire, signature = _read(raw)
    try:
        key = PublicKey.from_signature_and_message(signature, digest_of(wire.encode()), hasher=None)
    except ValueError:
        return False
    return address_of(key.format()) == wire.source


def _read(raw: bytes) -> tuple[Wire, bytes]:
    form = _FORM.fullmatch(raw.decode("ascii"))
    if form is None:
        raise ValueError(f"{raw[:60]!r} is no transaction of a fake chain")
    network, source, nonce, recipient, contract, amount, fee, signature = form.groups()
    wire = Wire(
        network,
        source,
        int(nonce),
        recipient,
        None if contract == _NATIVE else contract,
        int(amount),
        int(fee),
    )
    return wire, bytes.fromhex(signature or "")
