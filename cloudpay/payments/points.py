"""At which blocks the ledger and the chain may be compared: all that came in up to there is known."""

from sqlalchemy.orm import Session

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import BlockRef, Capability
from cloudpay.payments import blocks
from cloudpay.payments.models import NetworkRow


def points(gateway: Gateway, network: Network) -> list[BlockRef]:
    """Answer final blocks that have been read, the best one first: that up to which all is booked.

    The node's own final block follows, for nodes that keep no state of older ones; none where neither has been read
    yet. Raises `NodeUnavailable` when no node answers, or none has the chain that was read.
    """
    adapter = gateway.chains.adapter(network.code)
    head = adapter.head()
    with gateway.db.read() as session:
        row = session.get(NetworkRow, network.code)
        cursor = None if row is None else row.cursor_height
        settled = None if row is None else row.final_height
    found: list[BlockRef] = []
    if settled is not None and cursor is not None and settled <= cursor:
        if settled == head.final.height:
            found.append(head.final)
        elif Capability.HISTORY in adapter.capabilities and settled < head.latest.height:
            found.append(adapter.header_at(settled).ref)
    if cursor is not None and head.final.height <= cursor and head.final not in found:
        found.append(head.final)
    with gateway.db.read() as session:
        if not all(is_read(session, network, each) for each in found):
            raise NodeUnavailable(network.code, "it has other final blocks than those that were read")
    return found


def is_read(session: Session, network: Network, block: BlockRef) -> bool:
    """Say whether a block is one that was read: below the final one, ranges leave out those that hold nothing."""
    row = session.get(NetworkRow, network.code, populate_existing=True)
    if row is None or row.cursor_height is None or row.cursor_height < block.height:
        return False
    return blocks.hash_at(session, network.code, block.height) in (None, block.hash)
