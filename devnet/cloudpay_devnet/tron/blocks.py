"""Making blocks, and writing them as JSON."""

from typing import Any

from cloudpay_devnet.tron.addresses import hash_of
from cloudpay_devnet.tron.keys import DevKey
from cloudpay_devnet.tron.store import StoredBlock
from cloudpay_devnet.tron.transactions import as_json
from cloudpay_devnet.tron.wire import to_json
from cloudpay_tron.protocol import tron_pb2 as tron

_VERSION = 31


def id_of(header: "tron.BlockHeader.raw") -> bytes:
    """The number in eight bytes, then the rest of the header's hash."""
    return header.number.to_bytes(8, "big") + hash_of(header.SerializeToString())[8:]


def make(
    number: int,
    timestamp: int,
    parent: bytes,
    transactions: list[tron.Transaction],
    infos: list[tron.TransactionInfo],
    witness: DevKey,
) -> StoredBlock:
    """A signed block."""
    block = tron.Block(transactions=transactions)
    header = block.block_header.raw_data
    header.number, header.timestamp, header.parentHash = number, timestamp, parent
    header.txTrieRoot = _root([hash_of(each.SerializeToString()) for each in transactions])
    header.witness_address, header.version = witness.address, _VERSION
    block.block_header.witness_signature = witness.sign(hash_of(header.SerializeToString()))
    return StoredBlock(id_of(header), block, tuple(infos))


def _root(hashes: list[bytes]) -> bytes:
    if not hashes:
        return bytes(32)
    while len(hashes) > 1:
        pairs = [hashes[place : place + 2] for place in range(0, len(hashes), 2)]
        hashes = [hash_of(b"".join(pair)) if len(pair) > 1 else pair[0] for pair in pairs]
    return hashes[0]


def block_json(stored: StoredBlock, *, visible: bool, detail: bool = True) -> dict[str, Any]:
    """A block as the node's routes answer it; without detail its header alone."""
    header = to_json(stored.block.block_header, visible=visible)
    written: dict[str, Any] = {"blockID": stored.id.hex(), "block_header": header}
    if detail and stored.block.transactions:
        written["transactions"] = [as_json(each, visible=visible) for each in stored.block.transactions]
    return written
