"""Several nodes as one: failover, health scores, back-off, and no node of a wrong chain."""

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from cloudpay.chains.nodes.members import Member
from cloudpay.chains.nodes.pool import NodePool, named
from cloudpay_evm.calls import CHAIN_ID, FIRST_BLOCK
from cloudpay_evm.errors import Refused
from cloudpay_evm.node import Node
from cloudpay_evm.settings import EvmSettings
from cloudpay_evm.wire import number


class Nodes(NodePool[Node]):
    """The nodes of one EVM chain, told by its chain id and its first block."""

    chain_key: ClassVar[str] = "chain_id"

    def __init__(
        self, network: str, chain_id: int, nodes: Sequence[Node], clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(network, nodes, clock)
        self.first_block: str | None = None
        """The hash of block 0 as the nodes tell it; None where none of them still has it."""
        self._chain_id = chain_id

    def _is_ours(self, member: Member[Node]) -> bool:
        """Ask a node for its chain before its first work and after every failure: it may have been replaced."""
        if member.checked:
            return True
        found = number(member.node.ask(CHAIN_ID))
        if found != self._chain_id:
            reason = f"it is on chain {found}, not {self._chain_id}"
            with self._lock:
                member.astray(str(found), reason, self.clock())
            return False
        return self._begins_like_ours(member)

    def _begins_like_ours(self, member: Member[Node]) -> bool:
        """Hold a node's first block against the others': a chain id is only a number, and copied easily.

        A node that no longer keeps its first block, or refuses to tell it, is believed by its chain id alone.
        """
        told = member.node.try_all([FIRST_BLOCK])[0]
        first = None if told is None or isinstance(told, Refused) else told.hash
        with self._lock:
            if first is not None and self.first_block not in (None, first):
                reason = f"its first block is {first}, not {self.first_block} as that of the other nodes"
                member.astray(f"{self._chain_id} with the first block {first}", reason, self.clock())
                return False
            self.first_block = self.first_block or first
            member.checked, member.wrong_chain = True, None
        return True

    def _expected(self, member: Member[Node]) -> str:
        expected = str(self._chain_id)
        if member.wrong_chain is not None and member.wrong_chain.startswith(f"{expected} "):
            expected += f" with the first block {self.first_block}"
        return expected

    def _forget(self) -> None:
        self.first_block = None


def open_nodes(settings: EvmSettings, network: str) -> Nodes:
    """Open the configured nodes; no call is made yet."""
    return Nodes(
        network,
        settings.chain_id,
        [
            Node(url, name, timeout=settings.timeout_seconds, batch_size=settings.batch_size)
            for url, name in named(settings.rpc_urls)
        ],
    )
