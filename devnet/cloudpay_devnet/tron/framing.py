"""What a transaction must be before anybody looks into it: of this chain, alive, and not too long."""

from cloudpay_devnet.tron.errors import ExpiredError, TooBigError, WrongReferenceError
from cloudpay_devnet.tron.parameters import LARGEST_TRANSACTION, LONGEST_LIFE_MS
from cloudpay_devnet.tron.store import Store, StoredBlock
from cloudpay_tron.protocol import tron_pb2 as tron

_REFERENCES = 65_536
_REFERENCE_SIZE = 2


def check_frame(store: Store, head: StoredBlock, transaction: tron.Transaction) -> None:
    """Refuse a transaction for its size, its reference block or its expiration."""
    if transaction.ByteSize() > LARGEST_TRANSACTION:
        raise TooBigError("Transaction size is too big.")
    raw = transaction.raw_data
    if not _is_reference(store, head, raw.ref_block_bytes, raw.ref_block_hash):
        raise WrongReferenceError("Tapos failed, different block hash")
    if not head.timestamp < raw.expiration <= head.timestamp + LONGEST_LIFE_MS:
        raise ExpiredError(
            f"Transaction expiration, transaction expiration time is {raw.expiration},"
            f" but headBlockTime is {head.timestamp}"
        )


def _is_reference(store: Store, head: StoredBlock, number: bytes, part: bytes) -> bool:
    if len(number) != _REFERENCE_SIZE:
        return False
    height = head.number - (head.number - int.from_bytes(number, "big")) % _REFERENCES
    stored = None if height < 0 else store.block(height)
    return stored is not None and stored.id[8:16] == part
