"""Balances at the newest or the solid block: a node tells of no block behind those.

At the newest one java-tron answers out of a state that holds what waits, too: it tries each transaction on top of the
head when it comes, and keeps what it changed (Manager.pushTransaction of java-tron, which merges that session).
"""

from collections.abc import Iterable, Mapping, Sequence

from cloudpay.chains.errors import BlockPassed, Unlinked
from cloudpay.chains.nodes.faults import NodeFault
from cloudpay.chains.types import BlockRef, Holding
from cloudpay_tron import bytecode, calls, trc20
from cloudpay_tron.errors import Refused
from cloudpay_tron.node import Node

_AT_ONCE = 150
"""Balances by one call: a program of 10 KB, far below the energy and the time that nodes give a trial."""


class BalanceReader:
    """Reads balances, many by one call; remembers which nodes do not run the program that asks for them."""

    def __init__(self, network: str) -> None:
        self._network = network
        self._one_by_one: set[str] = set()

    def read(self, node: Node, holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        """Ask for balances at the newest or the solid block; raises `Unlinked`, `BlockPassed`, `NodeFault`.

        Where the chain has moved on before the last answer, none of them counts.
        """
        wanted = list(dict.fromkeys(holdings))
        solid = self._place(node, at)
        found: dict[Holding, int] = {}
        for first in range(0, len(wanted), _AT_ONCE):
            some = wanted[first : first + _AT_ONCE]
            told = self._at_once(node, some, solid=solid) if len(some) > 1 else None
            told = [_balance(node, each, solid=solid) for each in some] if told is None else told
            for holding, amount in zip(some, told, strict=True):
                if amount is None:
                    raise NodeFault(f"it finds no token at {holding.contract}")
                found[holding] = amount
        if wanted and self._place(node, at) != solid:
            raise BlockPassed(self._network, at.height)
        return found

    def _place(self, node: Node, at: BlockRef) -> bool:
        """Say whether a block is the solid one, or else the newest; raises where it is neither.

        Where it is both, the solid state is asked for: it alone is without what waits.
        """
        if node.solid() == at:
            return True
        if node.required().ref == at:
            return False
        there = node.header(at.height)
        if there is None:
            raise NodeFault(f"it has no block {at.height} yet")
        if there.hash != at.hash:
            raise Unlinked(at)
        raise BlockPassed(self._network, at.height)

    def _at_once(self, node: Node, holdings: Sequence[Holding], *, solid: bool) -> list[int | None] | None:
        if node.name in self._one_by_one:
            return None
        call = calls.trial(holdings[0].address, None, bytecode.question(holdings), solid=solid)
        try:
            told = node.ask(call)
        except Refused:
            told = None
        found = None
        if told is not None and told.constant_result and not told.failed:
            found = bytecode.answer(told.constant_result[0], holdings)
        if found is None:
            self._one_by_one.add(node.name)
        return found


def _balance(node: Node, holding: Holding, *, solid: bool) -> int | None:
    if holding.contract is None:
        return node.ask(calls.account(holding.address, solid=solid)).balance
    return trc20.balance(node, holding.contract, holding.address, solid=solid)
