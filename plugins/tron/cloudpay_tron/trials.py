"""What a transfer would do now, tried out without a transaction: its energy, or why it would fail."""

from dataclasses import dataclass

from cloudpay.chains.nodes.faults import NodeFault
from cloudpay.chains.spending import Spend
from cloudpay_tron import calls, trc20
from cloudpay_tron.broadcasting import words
from cloudpay_tron.node import Node
from cloudpay_tron.transfers import token_moved
from cloudpay_tron.wire import Trial

_WORD = 32
_LARGEST_TRX = 2**63 - 1


@dataclass(frozen=True)
class Estimate:
    """The energy that a transfer took, none for TRX, or why the chain would not carry it out.

    `activates` says that a transfer of TRX makes its recipient's account.
    """

    energy: int = 0
    refusal: str | None = None
    activates: bool = False


def estimate(node: Node, spend: Spend) -> Estimate:
    """Try a transfer out at the newest block, in one call."""
    if spend.contract is None:
        return _native(node, spend)
    told = node.ask(calls.trial(spend.source, spend.contract, trc20.transfer(spend.recipient, spend.amount)))
    refusal = _refusal(told, spend)
    if refusal:
        return Estimate(refusal=refusal)
    if told.energy_used <= 0:  # it would become the fee limit, with which nothing is carried out
        raise NodeFault("it told no energy for a token's transfer, which always takes some")
    return Estimate(told.energy_used)


def _native(node: Node, spend: Spend) -> Estimate:
    if spend.amount > _LARGEST_TRX:
        return Estimate(refusal="there is not so much TRX")
    if spend.recipient == spend.source:
        return Estimate(refusal="the chain sends no TRX from an address to itself")
    # `TransferActuator` of java-tron: a plain transfer to a contract is not valid.
    recipient = node.ask(calls.account(spend.recipient))
    if recipient.type == "Contract":
        return Estimate(refusal="its recipient is a contract, which plain TRX cannot be sent to")
    return Estimate(activates=not recipient.address)


def _refusal(told: Trial, spend: Spend) -> str:
    if told.refused:
        return _require_text(told) or words(told.result.message) or told.result.code or "it would be reverted"
    if not told.result.result:
        raise NodeFault(f"it could not try a call: {told.result.code} {words(told.result.message)}")
    answer = told.constant_result[0] if told.constant_result else ""
    says_no = len(answer) == 2 * _WORD and not answer.strip("0")
    # TRON's USDT answers false to transfers that it carries out: what counts is that it tells of one.
    if says_no and not token_moved(told.logs, spend.contract or "", spend.source, spend.recipient):
        return "the token answers that it would not send it"
    return ""


def _require_text(told: Trial) -> str:
    try:
        return trc20.text_of(bytes.fromhex(told.constant_result[0])) if told.constant_result else ""
    except ValueError:
        return ""
