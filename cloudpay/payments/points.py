"""At which blocks balances say what the chain holds, and at which of them the ledger may be compared with it."""

from sqlalchemy.orm import Session

from cloudpay.chains.adapter import ChainAdapter
from cloudpay.chains.errors import NodeUnavailable, Unlinked
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import BlockRef, Capability, Header
from cloudpay.payments import blocks
from cloudpay.payments.models import NetworkRow


def believed(
    gateway: Gateway, network: Network, adapter: ChainAdapter, newest: Header, final: BlockRef
) -> Header:
    """Answer the newest block whose balances are to be believed: the newest of all, or else the final one.

    A node that keeps no earlier state answers for the newest block out of the one state that it has, and java-tron has
    what waits in its pool applied to that. Raises `Unlinked` where the final block is not the one that was read.
    """
    if Capability.HISTORY in adapter.capabilities:
        return newest
    with gateway.db.read() as session:
        known = blocks.at_heights(session, network.code, [final.height]).get(final.height)
    found = known or adapter.header_at(final.height)
    if found.ref != final:
        raise Unlinked(final)
    return found


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
