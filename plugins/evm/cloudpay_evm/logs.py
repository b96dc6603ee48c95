"""Asking for token logs: by block hash near the head, by ranges that halve far below it, and never in blind faith."""

import re
from collections.abc import Sequence

from cloudpay.chains.nodes.ranges import RangeSizes
from cloudpay_evm import blooms
from cloudpay_evm.calls import Call, block_at
from cloudpay_evm.errors import BlockVanished, NodeFault, Refused
from cloudpay_evm.node import Node
from cloudpay_evm.transfers import TRANSFER, Tokens, lasting, require_block
from cloudpay_evm.wire import LOGS, Block, Log, number

# What nodes and their hosts say when a range has too many blocks, logs or bytes, or takes too long.
_TOO_MUCH = re.compile(
    r"range|results|limit|exceed|too (many|large|big|wide|long)|size|timeout|timed out|narrow|blocks|max(imum)? ",
    re.IGNORECASE,
)
_TOO_MUCH_CODE = -32005
_GONE = re.compile(r"unknown block|not found|not canonical", re.IGNORECASE)


class LogReader:
    """Reads the Transfer logs of the listed tokens."""

    def __init__(self, tokens: Tokens, *, start: int, blooms_hold: bool) -> None:
        self._tokens, self._blooms_hold = tokens, blooms_hold
        self._sizes = RangeSizes(start)

    def of_blocks(self, node: Node, blocks: Sequence[Block]) -> list[Log]:
        """Answer the logs of blocks, asked by their hashes; raises `NodeFault` when a block's bloom knows of more."""
        if not self._tokens or not blocks:
            return []
        found: list[Log] = []
        answers = node.try_all([self._by_hash(block, self._tokens.addresses) for block in blocks])
        for block, answer in zip(blocks, answers, strict=True):
            logs = self._one_by_one(node, block, answer) if isinstance(answer, Refused) else answer
            require_block(logs, block.ref)
            found += lasting(logs) or self._doubted(node, block)
        return found

    def require_whole(self, node: Node, blocks: Sequence[Block], logs: Sequence[Log]) -> None:
        """Hold what was answered for blocks against their blooms, and where those hold more, against all their logs.

        For the few blocks that pay us: a second payment in them cannot be left out. Raises `NodeFault`.
        """
        for block in blocks:
            told = [log for log in logs if log.block_hash == block.hash]
            if not self._blooms_hold or not number(block.logs_bloom) & ~blooms.of_logs(told):
                continue
            if set(self._tokens.transfers(self._whole(node, block))) != set(self._tokens.transfers(told)):
                raise NodeFault(f"it left out some logs of block {block.height}")

    def of_range(self, node: Node, first: int, last: int) -> tuple[list[Log], int]:
        """Answer the logs from `first` on, and the block up to which they go: nearer when the node refuses."""
        if not self._tokens:
            return [], last
        size = min(self._sizes.of(node.name), last - first + 1)
        while True:
            try:
                logs = node.ask(self._by_range(first, first + size - 1))
            except Refused as refusal:
                if refusal.rpc_code != _TOO_MUCH_CODE and not _TOO_MUCH.search(refusal.rpc_message):
                    raise
                if size == 1:
                    return self._block_at(node, first), first
                size = self._sizes.refused(node.name, size)
                continue
            self._sizes.worked(node.name)
            for log in logs:
                if not first <= number(log.block_number or "0x0") < first + size:
                    raise NodeFault("it answered logs of blocks that were not asked for")
            return lasting(logs), first + size - 1

    def doubt(self, node: Node, blocks: Sequence[Block]) -> None:
        """Hold blocks without logs of ours against their blooms; raises `NodeFault` when some were left out."""
        for block in blocks:
            if self._tokens.transfers(self._doubted(node, block)):
                raise NodeFault(f"it left out the logs of block {block.height}")

    def _doubted(self, node: Node, block: Block) -> list[Log]:
        """Ask for all logs of a block whose bloom may hold some of ours: they must explain every bit of the bloom."""
        bloom = number(block.logs_bloom)
        if not self._blooms_hold or not any(_holds(bloom, contract) for contract in self._tokens.addresses):
            return []
        listed = set(self._tokens.addresses)
        return [log for log in self._whole(node, block) if log.address.lower() in listed]

    def _whole(self, node: Node, block: Block) -> list[Log]:
        answer = node.ask(Call("eth_getLogs", ({"blockHash": block.hash},), LOGS))
        require_block(answer, block.ref)
        logs = lasting(answer)
        if self._blooms_hold and number(block.logs_bloom) & ~blooms.of_logs(logs):
            raise NodeFault(f"it answers fewer logs for block {block.height} than the block's bloom knows of")
        return logs

    def _one_by_one(self, node: Node, block: Block, refusal: Refused) -> list[Log]:
        """Ask for one contract at a time, where a node refuses all of them for one block."""
        if _GONE.search(refusal.rpc_message):
            raise BlockVanished(block.height)
        if len(self._tokens.addresses) == 1:
            raise refusal
        answers = node.ask_all([self._by_hash(block, [contract]) for contract in self._tokens.addresses])
        return [log for logs in answers for log in logs]

    def _block_at(self, node: Node, height: int) -> list[Log]:
        block = node.ask(block_at(height))
        if block is None:
            raise NodeFault(f"it has no block {height}")
        return self.of_blocks(node, [block])

    def _by_hash(self, block: Block, contracts: list[str]) -> Call[list[Log]]:
        return Call(
            "eth_getLogs", ({"blockHash": block.hash, "address": contracts, "topics": [TRANSFER]},), LOGS
        )

    def _by_range(self, first: int, last: int) -> Call[list[Log]]:
        asked = {"fromBlock": hex(first), "toBlock": hex(last)}
        return Call(
            "eth_getLogs", ({**asked, "address": self._tokens.addresses, "topics": [TRANSFER]},), LOGS
        )


def _holds(bloom: int, contract: str) -> bool:
    wanted = blooms.mask(contract) | blooms.mask(TRANSFER)
    return bloom & wanted == wanted
