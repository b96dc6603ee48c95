"""Balances at a block: of many addresses in one call where a node runs code that is on no chain."""

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
"""Balances asked for in one eth_call at first.

What a program returns may have 24,576 bytes (EIP-170), 1,535 balances; its code then has 30 kB of the 48 kB that
EIP-3860 allows; and it burns 9.4 million gas, less than one transaction may (EIP-7825). What a token burns is its own
affair: where that is too much, fewer are asked for.
"""
_FEWEST = 90  # a node that refuses even so few in one call is asked for each balance by itself
_ZERO = "0x" + "0" * 40


class BalanceReader:
    """Reads balances, and remembers how many of a token, or of native coins, a node answers in one call: 0 for none."""

    def __init__(self) -> None:
        self._sizes: dict[tuple[str, str | None], int] = {}

    def refuses_many(self, node: Node) -> bool:
        """Say whether this node has refused to answer many native balances in one call."""
        return self._sizes.get((node.name, None)) == 0

    def try_out(self, node: Node, at: BlockRef) -> None:
        """Find out how many native balances a node answers at once, and hold one against eth_getBalance."""
        probe = [_ZERO, *(f"{2**159 + place:#x}" for place in range(1, AT_ONCE))]
        self._sizes[node.name, None] = AT_ONCE
        found = self._at_once(node, None, probe, at)
        if found is not None and found[0] != number(node.ask(_one(Holding(_ZERO, None), at))):
            self._sizes[node.name, None] = 0

    def read(self, node: Node, holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        """Ask for balances at a block, by its hash (EIP-1898); raises `Unlinked` when the block was replaced."""
        wanted = tuple(dict.fromkeys(holdings))
        if not wanted:
            _require(node, at)
        by_contract: dict[str | None, list[Holding]] = {}
        for each in wanted:
            by_contract.setdefault(each.contract, []).append(each)
        found: dict[Holding, int] = {}
        for contract, some in by_contract.items():
            if len(some) > 1:
                found |= self._many(node, contract, some, at)
        rest = [each for each in wanted if each not in found]
        answers = _all(node, [_one(each, at) for each in rest], at)
        found |= {each: _amount(each, answer, at) for each, answer in zip(rest, answers, strict=True)}
        return {each: found[each] for each in wanted}

    def _many(
        self, node: Node, contract: str | None, holdings: Sequence[Holding], at: BlockRef
    ) -> Mapping[Holding, int]:
        """Answer those that the node told of many at once: all as a rule, and none where it cannot.

        The first answer of a token is held against what the node tells of its richest holder alone.
        """
        new = contract is not None and (node.name, contract) not in self._sizes
        amounts = self._at_once(node, contract, [each.address for each in holdings], at)
        found = {
            each: n for each, n in zip(holdings, amounts or (), strict=amounts is not None) if n is not None
        }
        if new and found:
            richest = max(found, key=lambda each: found[each])
            [alone] = _all(node, [_one(richest, at)], at)
            if _amount(richest, alone, at) != found[richest]:
                self._sizes[node.name, contract] = 0
                return {}
        return found

    def _at_once(
        self, node: Node, contract: str | None, addresses: Sequence[str], at: BlockRef
    ) -> list[int | None] | None:
        """Ask for all in as few calls as the node bears; None where it bears none, or a native balance is too large."""
        found: list[int | None] = []
        place = node.name, contract
        size = self._sizes.setdefault(place, self._sizes.get((node.name, None), AT_ONCE))
        while size and len(found) < len(addresses):
            some = addresses[len(found) : len(found) + size]
            amounts = self._some(node, contract, some, at)
            if amounts is None:
                size = size // 2 if size // 2 >= _FEWEST and len(some) > _FEWEST else 0
                self._sizes[place] = size
            else:
                found += amounts
        return found if size else None

    def _some(
        self, node: Node, contract: str | None, addresses: Sequence[str], at: BlockRef
    ) -> list[int | None] | None:
        """Ask once; None where the node refuses, or answers with something else than the program would.

        Raises `Refused` where it refuses a single native balance too: it has no state of that block.
        """
        question = {"data": bytecode.question(contract, addresses)}
        [answer] = node.try_all([Call("eth_call", (question, _place(at)), TEXT)])
        if isinstance(answer, Refused):
            _all(node, [_one(Holding(addresses[0], None), at)], at)
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


def _one(holding: Holding, at: BlockRef) -> Call[str]:
    if holding.contract is None:
        return Call("eth_getBalance", (holding.address, _place(at)), AMOUNT)
    question = {"to": holding.contract, "data": erc20.balance_of(holding.address)}
    return Call("eth_call", (question, _place(at)), TEXT)


def _amount(holding: Holding, answer: str, at: BlockRef) -> int:
    if holding.contract is None:
        return number(answer)
    amount = erc20.unsigned(answer)
    if amount is None:
        raise NodeFault(f"it finds no token at {holding.contract} in block {at.height}")
    return amount


def _place(at: BlockRef) -> dict[str, Any]:
    return {"blockHash": at.hash, "requireCanonical": True}


def _require(node: Node, at: BlockRef, why: str = "") -> None:
    """Find out whether a block is on the chain; else a refusal stands."""
    block = node.ask(block_at(at.height))
    if block is None:
        raise NodeFault(f"it has no block {at.height} yet{why}")
    if block.hash != at.hash:
        raise Unlinked(at)
