"""The nodes of one TRON network: known by the id of their first block."""

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from cloudpay.chains.nodes.members import Member
from cloudpay.chains.nodes.pool import NodePool, named
from cloudpay_tron.node import Node
from cloudpay_tron.provider import key_for
from cloudpay_tron.settings import TronSettings


class Nodes(NodePool[Node]):
    """Asks each node for its first block before its first work."""

    chain_key: ClassVar[str] = "genesis"

    def __init__(
        self, network: str, genesis: str, nodes: Sequence[Node], clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(network, nodes, clock)
        self._genesis = genesis

    def _is_ours(self, member: Member[Node]) -> bool:
        if member.checked:
            return True
        found = member.node.required(0).hash
        with self._lock:
            if found != self._genesis:
                reason = f"its first block is {found}, not {self._genesis}"
                member.astray(f"with the first block {found}", reason, self.clock())
                return False
            member.checked, member.wrong_chain = True, None
        return True

    def _expected(self, member: Member[Node]) -> str:
        return f"with the first block {self._genesis}"


def open_nodes(settings: TronSettings, network: str) -> Nodes:
    """Open the configured nodes; no call is made yet."""
    nodes = [
        Node(url, name, timeout=settings.timeout_seconds, key=key_for(settings, url))
        for url, name in named(settings.rpc_urls)
    ]
    return Nodes(network, settings.genesis, nodes)
