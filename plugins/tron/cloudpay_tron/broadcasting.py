"""Handing signed bytes to nodes, and what they say to them."""

from collections.abc import Sequence

from cloudpay.chains.nodes.faults import NodeFault
from cloudpay.chains.spending import Answer, Broadcast, Signed
from cloudpay.kernel.text import shown
from cloudpay_tron import calls
from cloudpay_tron.errors import Refused
from cloudpay_tron.node import Node
from cloudpay_tron.nodes import Nodes
from cloudpay_tron.wire import Told

# `response_code` of java-tron's api.proto. What is not here (SERVER_BUSY, NO_CONNECTION,
# NOT_ENOUGH_EFFECTIVE_CONNECTION, BLOCK_UNSOLIDIFIED, OTHER_ERROR) says something of the node, not of the transaction.
_OUTCOMES = {
    "SUCCESS": Broadcast.ACCEPTED,
    "DUP_TRANSACTION_ERROR": Broadcast.KNOWN,
    "SIGERROR": Broadcast.REJECTED,
    "CONTRACT_VALIDATE_ERROR": Broadcast.REJECTED,
    "CONTRACT_EXE_ERROR": Broadcast.REJECTED,
    "BANDWITH_ERROR": Broadcast.REJECTED,
    "TAPOS_ERROR": Broadcast.REJECTED,
    "TOO_BIG_TRANSACTION_ERROR": Broadcast.REJECTED,
    "TRANSACTION_EXPIRATION_ERROR": Broadcast.REJECTED,
}
_RANK = {Broadcast.ACCEPTED: 3, Broadcast.KNOWN: 2, Broadcast.UNKNOWN: 1, Broadcast.REJECTED: 0}


def broadcast(nodes: Nodes, signed: Sequence[Signed]) -> Sequence[Answer]:
    """Hand bytes to one node, and what it did not take in to the next; a node's silence is UNKNOWN."""
    said: dict[int, list[Answer]] = {place: [] for place in range(len(signed))}

    def hand_over(node: Node) -> bool:
        fault: NodeFault | None = None
        for place in [each for each, answers in said.items() if not _is_in(answers)]:
            answer, failed = _hand(node, signed[place])
            said[place].append(answer)
            fault = failed or fault
        if fault is not None:
            raise fault  # so that the node rests
        return all(_is_in(answers) for answers in said.values())

    troubles = nodes.hand_round(hand_over) if signed else []
    return [_best(answers, troubles) for answers in said.values()]


def _hand(node: Node, signed: Signed) -> tuple[Answer, NodeFault | None]:
    try:
        told = node.ask(calls.broadcast(signed.raw))
    except NodeFault as fault:
        return Answer(Broadcast.UNKNOWN, f"{node.name}: {node.veil.over(fault.reason)}"), fault
    except Refused as refusal:
        return Answer(Broadcast.UNKNOWN, f"{node.name}: {refusal.told}"), None
    outcome = outcome_of(told)
    if outcome is Broadcast.ACCEPTED and told.txid not in ("", signed.tx_id):
        return Answer(Broadcast.UNKNOWN, f"{node.name}: it calls the transaction {told.txid[:80]}"), None
    reason = (
        "" if outcome is Broadcast.ACCEPTED else f"{node.name}: {told.code} {words(told.message)}".rstrip()
    )
    return Answer(outcome, reason), None


def outcome_of(told: Told) -> Broadcast:
    """Say what a node's word means; one that nobody knows says nothing."""
    if told.result:
        return Broadcast.ACCEPTED
    outcome = _OUTCOMES.get(told.code, Broadcast.UNKNOWN)
    return Broadcast.UNKNOWN if outcome is Broadcast.ACCEPTED else outcome


def words(message: str) -> str:
    """Read a message, which nodes write as the hexadecimal digits of its bytes, or as it is."""
    try:
        text = bytes.fromhex(message).decode("utf-8", "replace")
    except ValueError:
        text = message
    return shown(text)[:200]


def _is_in(answers: Sequence[Answer]) -> bool:
    return any(each.outcome in (Broadcast.ACCEPTED, Broadcast.KNOWN) for each in answers)


def _best(answers: Sequence[Answer], troubles: Sequence[str]) -> Answer:
    """Of several nodes' answers that which claims most; one that did not answer may have it all the same."""
    if not answers:
        return Answer(Broadcast.UNKNOWN, "; ".join(troubles))
    best = max(answers, key=lambda each: _RANK[each.outcome])
    return best if _is_in([best]) else Answer(best.outcome, "; ".join(each.reason for each in answers))
