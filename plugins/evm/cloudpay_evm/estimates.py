"""What a transfer would do now, tried out without a transaction: its gas, or why it would fail."""

from collections.abc import Sequence
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


def estimates(node: Node, spends: Sequence[Spend]) -> list[Estimate]:
    """Try transfers out at the newest block: one call for each native one, two for each token's.

    Raises `NodeFault`, or `Refused` where the node has nothing to say to any of them.
    """
    calls = [call for spend in spends for call in _calls(spend)]
    answers = node.try_all(calls)
    told, first = [], 0
    for spend in spends:
        last = first + len(_calls(spend))
        told.append(answers[first:last])
        first = last
    found = [_estimate(each) for each in told]
    silent = [each for each in told if isinstance(each[-1], Refused)]
    if found and all(each == Estimate() for each in found) and silent:
        [*_, refusal] = silent[0]
        if isinstance(refusal, Refused):
            raise refusal
    return found


def _calls(spend: Spend) -> list[Call[str]]:
    if spend.contract is None:
        plain = {"from": spend.source, "to": spend.recipient, "value": hex(spend.amount)}
        return [_call("eth_estimateGas", plain)]
    data = "0x" + token_call(spend.recipient, spend.amount).hex()
    transfer = {"from": spend.source, "to": spend.contract, "data": data}
    return [_call("eth_call", transfer), _call("eth_estimateGas", transfer)]


def _call(method: str, transaction: dict[str, Any]) -> Call[str]:
    return Call(method, (transaction, "latest"), TEXT)


def _estimate(answers: Sequence[str | Refused]) -> Estimate:
    for answer in answers:
        if isinstance(answer, Refused):
            return Estimate(refusal=reverts.reason(answer)) if reverts.would_fail(answer) else Estimate()
    *tried, gas = (str(each) for each in answers)
    # Some tokens answer nothing, as USDT does on Ethereum; one that answers false moved nothing.
    if tried and erc20.unsigned(tried[0]) == 0:
        return Estimate(refusal="the token answers that it would not send it")
    return Estimate(gas=_limit(number(gas)))


def _limit(estimated: int) -> int:
    return PLAIN if estimated <= PLAIN else with_margin(estimated)
