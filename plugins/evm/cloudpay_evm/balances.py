"""Balances at a block: native coins of many addresses in one call where a node runs code that is on no chain."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cloudpay.chains.errors import Unlinked
from cloudpay.chains.types import BlockRef, Holding
from cloudpay_evm import bytecode, erc20
from cloudpay_evm.calls import Call, block_at
from cloudpay_evm.errors import NodeFault, Refused
from cloudpay_evm.node import Node
from cloudpay_evm.wire import AMOUNT, TEXT, number

AT_ONCE = 1_500
"""Native balances asked for in one eth_call at first.

What the program returns may have 24,576 bytes (EIP-170), 1,535 balances; its code then has 30 kB of the 48 kB that
EIP-3860 allows; and it burns 9.4 million gas, less than one transaction may (EIP-7825).
"""
_FEWEST = 90  # a node that refuses even so few in one call is asked for each balance by itself
_ZERO = "0x" + "0" * 40


class BalanceReader:
    """Reads balances, and remembers by node how many native ones it answers in one call: 0 for a node that cannot."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}

    def refuses_many(self, node: Node) -> bool:
        """Say whether this node has refused to answer many balances in one call."""
        return self._sizes.get(node.name) == 0

    def try_out(self, node: Node, at: BlockRef) -> None:
        """Find out how many balances a node answers at once, and hold one of them against eth_getBalance."""
        probe = [_ZERO, *(f"{2**159 + place:#x}" for place in range(1, AT_ONCE))]
        self._sizes[node.name] = AT_ONCE
        found = self._at_once(node, probe, at)
        if found is not None and found[0] != number(node.ask(_native(_ZERO, at))):
            self._sizes[node.name] = 0

    def read(self, node: Node, holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        """Ask for balances at a block, by its hash (EIP-1898); raises `Unlinked` when the block was replaced."""
        wanted = tuple(dict.fromkeys(holdings))
        if not wanted:
            _require(node, at)
        coins = [each for each in wanted if each.contract is None]
        found = dict(zip(coins, self._coins(node, [each.address for each in coins], at), strict=True))
        tokens = [each for each in wanted if each.contract is not None]
        answers = _all(node, [_token(each, at) for each in tokens], at)
        for holding, answer in zip(tokens, answers, strict=True):
            amount = erc20.unsigned(answer)
            if amount is None:
                raise NodeFault(f"it finds no token at {holding.contract} in block {at.height}")
            found[holding] = amount
        return {each: found[each] for each in wanted}

    def _coins(self, node: Node, addresses: Sequence[str], at: BlockRef) -> list[int]:
        at_once = self._at_once(node, addresses, at) if len(addresses) > 1 else None
        if at_once is not None:
            return at_once
        return [number(answer) for answer in _all(node, [_native(each, at) for each in addresses], at)]

    def _at_once(self, node: Node, addresses: Sequence[str], at: BlockRef) -> list[int] | None:
        """Ask for all in as few calls as the node bears; None when it bears none, or one balance is too large."""
        found: list[int] = []
        size = self._sizes.setdefault(node.name, AT_ONCE)
        while size and len(found) < len(addresses):
            some = addresses[len(found) : len(found) + size]
            amounts = self._some(node, some, at)
            if amounts is None:
                size = size // 2 if size // 2 >= _FEWEST and len(some) > _FEWEST else 0
                self._sizes[node.name] = size
            else:
                found += amounts
        return found if size else None

    def _some(self, node: Node, addresses: Sequence[str], at: BlockRef) -> list[int] | None:
        """Ask once; None where the node refuses, or answers with something else than the program would.

        Raises `Refused` where it refuses a single balance too: it has no state of that block.
        """
        call = Call("eth_call", ({"data": bytecode.question(addresses)}, _place(at)), TEXT)
        [answer] = node.try_all([call])
        if isinstance(answer, Refused):
            _all(node, [_native(addresses[0], at)], at)
            return None
        return bytecode.answer(answer, len(addresses))


def _all(node: Node, calls: Sequence[Call[str]], at: BlockRef) -> list[str]:
    """Ask one call for each balance; a refusal may mean that the block is gone."""
    answers: list[str] = []
    for answer in node.try_all(calls):
        if isinstance(answer, Refused):
            _require(node, at, why=f"; {answer.reason}")
            raise answer
        answers.append(answer)
    return answers


def _native(address: str, at: BlockRef) -> Call[str]:
    return Call("eth_getBalance", (address, _place(at)), AMOUNT)


def _token(holding: Holding, at: BlockRef) -> Call[str]:
    question = {"to": holding.contract, "data": erc20.balance_of(holding.address)}
    return Call("eth_call", (question, _place(at)), TEXT)


def _place(at: BlockRef) -> dict[str, Any]:
    return {"blockHash": at.hash, "requireCanonical": True}


def _require(node: Node, at: BlockRef, why: str = "") -> None:
    """Find out whether a block is on the chain; else a refusal stands."""
    block = node.ask(block_at(at.height))
    if block is None:
        raise NodeFault(f"it has no block {at.height} yet{why}")
    if block.hash != at.hash:
        raise Unlinked(at)
