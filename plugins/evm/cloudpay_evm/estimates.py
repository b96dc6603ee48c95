"""What a transfer would do now, tried out without a transaction: its gas, or why it would fail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudpay.chains.spending import Spend
from cloudpay_evm import erc20, reverts
from cloudpay_evm.calls import Call
from cloudpay_evm.errors import Refused
from cloudpay_evm.explaining import token_call
from cloudpay_evm.node import Node
from cloudpay_evm.wire import TEXT, number

PLAIN = 21_000
"""Gas of a transfer to an address without code (Yellow Paper, appendix G)."""


@dataclass(frozen=True)
class Estimate:
    """The gas limit to send with, or why the chain would not carry it out; neither where the node cannot tell."""

    gas: int | None = None
    refusal: str | None = None


def with_margin(gas: int) -> int:
    """A quarter more than was estimated: a block may come between, and what is not used is not paid."""
    return gas + gas // 4


def estimates(node: Node, spends: Sequence[Spend], learnt: Mapping[str, int]) -> Mapping[str, Estimate]:
    """Try transfers out at the newest block, and answer by the spend's id what each takes.

    A native one costs one call. So does a token's that succeeds with the gas that `learnt` names for it, or that its
    source's first one takes, which is estimated anew each time; what does not succeed so is estimated too, for two.
    A source that sends once is so never given more gas than its own transfer takes.
    Raises `NodeFault`, or `Refused` where the node has nothing to say to any of them.
    """
    firsts = {(each.source, each.contract): each.id for each in reversed(spends)}
    later = {each.id for each in spends if each.contract and firsts[each.source, each.contract] != each.id}
    gas_of = {each.id: learnt.get(each.contract or "") for each in spends if each.id in later}
    known = {each: gas for each, gas in gas_of.items() if gas}
    trial = _Trial(node)
    trial.with_gas(spends, known)
    trial.estimate([each for each in spends if each.id not in later])
    first = {each.id: trial.found[firsts[each.source, each.contract]].gas for each in spends}
    trial.with_gas(spends, {each: gas for each, gas in first.items() if gas and each in later - known.keys()})
    trial.estimate([each for each in spends if each.id not in trial.found])
    if trial.refusals and all(each == Estimate() for each in trial.found.values()):
        raise trial.refusals[0]
    return trial.found


class _Trial:
    """What was found out so far, and what the node had nothing to say to."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.found: dict[str, Estimate] = {}
        self.refusals: list[Refused] = []

    def with_gas(self, spends: Sequence[Spend], limits: Mapping[str, int]) -> None:
        """Try those that have a limit with so much gas; what does not succeed is left open."""
        tried = [each for each in spends if each.id in limits]
        calls = [_call("eth_call", {**_transfer(each), "gas": hex(limits[each.id])}) for each in tried]
        answers = self._node.try_all(calls)
        for each, told in zip(tried, answers, strict=True):
            if not isinstance(told, Refused) and not _says_no(told):
                self.found[each.id] = Estimate(gas=limits[each.id])

    def estimate(self, spends: Sequence[Spend]) -> None:
        """Ask what transfers take, and of tokens' what they answer."""
        answers = self._node.try_all([call for spend in spends for call in _calls(spend)])
        first = 0
        for spend in spends:
            told = answers[first : first + len(_calls(spend))]
            first += len(told)
            self.found[spend.id] = _estimate(told)
            if isinstance(told[-1], Refused):
                self.refusals.append(told[-1])


def _calls(spend: Spend) -> list[Call[str]]:
    transfer = _transfer(spend)
    tried = [] if spend.contract is None else [_call("eth_call", transfer)]
    return [*tried, _call("eth_estimateGas", transfer)]


def _transfer(spend: Spend) -> dict[str, Any]:
    if spend.contract is None:
        return {"from": spend.source, "to": spend.recipient, "value": hex(spend.amount)}
    data = "0x" + token_call(spend.recipient, spend.amount).hex()
    return {"from": spend.source, "to": spend.contract, "data": data}


def _call(method: str, transaction: dict[str, Any]) -> Call[str]:
    return Call(method, (transaction, "latest"), TEXT)


def _estimate(answers: Sequence[str | Refused]) -> Estimate:
    for answer in answers:
        if isinstance(answer, Refused):
            return Estimate(refusal=reverts.reason(answer)) if reverts.would_fail(answer) else Estimate()
    *tried, gas = (str(each) for each in answers)
    if tried and _says_no(tried[0]):
        return Estimate(refusal="the token answers that it would not send it")
    return Estimate(gas=_limit(number(gas)))


def _limit(estimated: int) -> int:
    return PLAIN if estimated <= PLAIN else with_margin(estimated)


def _says_no(answer: str) -> bool:
    """Some tokens answer nothing, as USDT does on Ethereum; one that answers false moved nothing."""
    return erc20.unsigned(answer) == 0
