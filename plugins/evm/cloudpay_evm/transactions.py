"""The bytes of transactions: type 2 (EIP-1559) and type 0 with a chain id (EIP-155), written and read in RLP."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rlp.codec import decode, encode_raw
from rlp.exceptions import RLPException

from cloudpay_evm.checksum import keccak256

DYNAMIC = 2
LEGACY = 0
ADDRESS_BYTES = 20
_REPLAY_BASE = 35  # EIP-155: v is the chain id doubled, 35 and the parity
_EMPTY_LIST: list[Any] = []
_REMEMBERED = (
    64  # the same bytes are read by what drafts, what guards and what signs them, one after the other
)
_FIELDS = 9  # of either kind, unsigned; of a signed legacy transaction too


@dataclass(frozen=True)
class Transaction:
    """What is signed. A legacy transaction's one price is its `max_fee` and its `tip`; prices are by gas."""

    kind: int
    chain_id: int
    nonce: int
    tip: int
    max_fee: int
    gas: int
    to: bytes
    value: int
    data: bytes

    @property
    def largest_fee(self) -> int:
        """What its gas can cost at most."""
        return self.gas * self.max_fee


@dataclass(frozen=True)
class Signature:
    """A point and its parity: r, s and the 0 or 1 that a public key is recovered by."""

    r: int
    s: int
    parity: int


def payload(transaction: Transaction) -> bytes:
    """Write what is signed: its Keccak-256 is the digest (EIP-1559; EIP-155)."""
    each = transaction
    if each.kind == DYNAMIC:
        return bytes([DYNAMIC]) + _encode(_dynamic(each))
    return _encode([*_legacy(each), each.chain_id, 0, 0])


def signed(transaction: Transaction, signature: Signature) -> bytes:
    """Write the bytes that are broadcast."""
    r, s, parity = signature.r, signature.s, signature.parity
    if transaction.kind == DYNAMIC:
        return bytes([DYNAMIC]) + _encode([*_dynamic(transaction), parity, r, s])
    return _encode([*_legacy(transaction), 2 * transaction.chain_id + _REPLAY_BASE + parity, r, s])


def tx_id_of(raw: bytes) -> str:
    """Answer the id that every node will know these bytes by."""
    return "0x" + keccak256(raw).hex()


@lru_cache(_REMEMBERED)
def read(raw: bytes) -> tuple[Transaction, Signature | None]:
    """Read bytes, signed or not; raises `ValueError` for any that would not be written so here, byte for byte."""
    transaction, signature = _read_dynamic(raw) if raw[:1] == bytes([DYNAMIC]) else _read_legacy(raw)
    again = payload(transaction) if signature is None else signed(transaction, signature)
    if again != raw:
        raise ValueError("these bytes are no transaction in its one true form")
    return transaction, signature


def _dynamic(each: Transaction) -> list[Any]:
    prices = [each.tip, each.max_fee, each.gas]
    return [each.chain_id, each.nonce, *prices, each.to, each.value, each.data, _EMPTY_LIST]


def _legacy(each: Transaction) -> list[Any]:
    return [each.nonce, each.max_fee, each.gas, each.to, each.value, each.data]


def _read_dynamic(raw: bytes) -> tuple[Transaction, Signature | None]:
    fields = _decode(raw[1:])
    if len(fields) not in (_FIELDS, _FIELDS + 3):
        raise ValueError(f"a transaction of type 2 has no {len(fields)} fields")
    chain_id, nonce, tip, max_fee, gas, to, value, data, access, *rest = fields
    if access != _EMPTY_LIST:
        raise ValueError("it has an access list, and nothing here makes one")
    found = Transaction(
        kind=DYNAMIC,
        chain_id=_number(chain_id),
        nonce=_number(nonce),
        tip=_number(tip),
        max_fee=_number(max_fee),
        gas=_number(gas),
        to=_receiver(to),
        value=_number(value),
        data=_octets(data),
    )
    if not rest:
        return found, None
    parity, r, s = (_number(each) for each in rest)
    return found, Signature(r, s, parity)


def _read_legacy(raw: bytes) -> tuple[Transaction, Signature | None]:
    fields = _decode(raw)
    if len(fields) != _FIELDS:
        raise ValueError("it is neither a transaction of type 2 nor a legacy one")
    nonce, price, gas, to, value, data, *rest = fields
    v, r, s = (_number(each) for each in rest)
    is_signed = bool(r or s)
    if is_signed and v < _REPLAY_BASE:
        raise ValueError("it names no chain (EIP-155), so that it could be sent on any")
    found = Transaction(
        kind=LEGACY,
        chain_id=(v - _REPLAY_BASE) // 2 if is_signed else v,
        nonce=_number(nonce),
        tip=_number(price),
        max_fee=_number(price),
        gas=_number(gas),
        to=_receiver(to),
        value=_number(value),
        data=_octets(data),
    )
    return found, Signature(r, s, (v - _REPLAY_BASE) % 2) if is_signed else None


def _encode(fields: list[Any]) -> bytes:
    plain = [
        each.to_bytes((each.bit_length() + 7) // 8) if isinstance(each, int) else each for each in fields
    ]
    return bytes(encode_raw(plain))


def _decode(raw: bytes) -> list[Any]:
    try:
        fields = decode(raw)
    except RLPException as error:
        raise ValueError(f"these bytes are no RLP ({error})") from error
    if not isinstance(fields, list):
        raise ValueError("these bytes are no list of fields")  # noqa: TRY004  # bytes of another kind
    return fields


def _octets(field: Any) -> bytes:
    if not isinstance(field, bytes):
        raise ValueError("it has a list where bytes belong")  # noqa: TRY004  # as above
    return field


def _number(field: Any) -> int:
    number = int.from_bytes(_octets(field))
    if number >= 2**256:
        raise ValueError("it has a number of more than 32 bytes")
    return number


def _receiver(field: Any) -> bytes:
    if len(_octets(field)) != ADDRESS_BYTES:
        raise ValueError("it creates a contract, or its receiver is no address")
    return _octets(field)
