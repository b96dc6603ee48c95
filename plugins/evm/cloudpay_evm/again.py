"""The token logs of final blocks, read a second time: one range, and its last block to hold the node against."""

from cloudpay.chains.adapter import Reading
from cloudpay.chains.types import Watch
from cloudpay_evm.calls import block_at
from cloudpay_evm.errors import NodeFault
from cloudpay_evm.logs import LogReader
from cloudpay_evm.node import Node
from cloudpay_evm.transfers import Tokens


class Rereader:
    """Reads ranges again; costs the same whatever is watched, and reads no block that pays nobody of ours."""

    def __init__(self, tokens: Tokens, logs: LogReader) -> None:
        self._tokens, self._logs = tokens, logs

    def read(self, node: Node, first: int, last: int, watch: Watch) -> Reading:
        """Read from `first` to `last`, or as far as the node's range goes.

        Raises `NodeFault` when the node has not come to its end yet, in its blocks or, as a bloom may tell, its logs.
        """
        logs, end = self._logs.of_range(node, first, last)
        block = node.ask(block_at(end))
        if block is None:
            raise NodeFault(f"it has no block {end}")
        transfers = self._tokens.transfers(logs)
        at_end = [each for each in transfers if each.block.height == end]
        if any(each.block.hash != block.hash for each in at_end):
            raise NodeFault(f"its block {end} changed while it was read")
        if not at_end:
            self._logs.doubt(node, [block])
        parties = {each.recipient for each in transfers} | {each.sender for each in transfers if each.sender}
        ours = watch(parties) if parties else frozenset()
        kept = (each for each in transfers if each.recipient in ours or each.sender in ours)
        ordered = sorted(kept, key=lambda each: (each.block.height, each.position))
        return Reading(node.name, block.header, tuple(ordered))
