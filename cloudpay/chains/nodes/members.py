"""One node of several, and how it has been doing: what is written down after each answer and each failure."""

import random
from dataclasses import dataclass
from typing import Generic, TypeVar

from cloudpay.chains.adapter import NodeHealth, NodeState
from cloudpay.chains.nodes.faults import BlockVanished, NodeFault, NodeRefusal
from cloudpay.chains.nodes.http import HttpNode

_FIRST_REST, _LONGEST_REST, _LONGEST_RETRY_AFTER = 0.5, 15.0, 600.0
_ASTRAY = 60.0

NodeT = TypeVar("NodeT", bound=HttpNode)


@dataclass
class Member(Generic[NodeT]):
    """One node. `wrong_chain` is what it serves instead of our chain; `disputed` and `lagging` say why it is so."""

    node: NodeT
    score: float = 100.0
    failures: int = 0
    in_a_row: int = 0
    last_error: str | None = None
    rests_until: float = 0.0
    checked: bool = False
    wrong_chain: str | None = None
    disputed: str | None = None
    lagging: str | None = None
    height: int | None = None

    def usable(self, now: float) -> bool:
        """Say whether work may be given to it; one that was astray is only asked for its chain, and that seldom."""
        return self.disputed is None and self.rests_until <= now

    def failed(self, fault: NodeFault | NodeRefusal, now: float) -> None:
        """Let it rest, longer each time, or as long as it asked for."""
        self.last_error = self.node.veil.over(fault.reason)
        if isinstance(fault, BlockVanished):
            return  # the chain moved; the node did nothing wrong
        self.failures += 1
        self.in_a_row += 1
        self.score /= 2
        self.checked = False
        jitter = random.uniform(0.75, 1)  # noqa: S311  # no secret
        rest = jitter * min(_LONGEST_REST, _FIRST_REST * 2 ** min(self.in_a_row - 1, 10))
        asked = fault.retry_after if isinstance(fault, NodeFault) else None
        self.rests_until = now + max(rest, min(asked or 0.0, _LONGEST_RETRY_AFTER))

    def answered(self) -> None:
        """Forgive a little, and end its rest."""
        self.in_a_row, self.rests_until = 0, 0.0
        self.score += (100 - self.score) / 4

    def fell_behind(self, reason: str) -> None:
        """Write down that another node is ahead of it: no failure, but a reason to prefer that one."""
        self.score /= 2
        self.last_error = self.lagging = reason

    def astray(self, chain: str, reason: str, now: float) -> None:
        """Write down that it serves another chain; after a while it is asked for its chain again."""
        self.wrong_chain, self.score, self.last_error = chain, 0.0, reason
        self.checked, self.rests_until = False, now + _ASTRAY

    def health(self, now: float) -> NodeHealth:
        """Answer how it has been doing."""
        return NodeHealth(
            node=self.node.name,
            score=round(self.score),
            failures=self.failures,
            last_error=self.last_error,
            state=self._state(),
            rests_for=max(0.0, self.rests_until - now),
            height=self.height,
            latency_ms=None if self.node.latency is None else round(self.node.latency * 1000),
            calls=self.node.calls,
        )

    def _state(self) -> NodeState:
        if self.wrong_chain is not None:
            return NodeState.WRONG_CHAIN
        if self.disputed is not None:
            return NodeState.DISPUTED
        if self.in_a_row:
            return NodeState.RESTING
        return NodeState.LAGGING if self.lagging is not None else NodeState.UP
