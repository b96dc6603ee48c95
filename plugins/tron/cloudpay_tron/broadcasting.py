"""Handing signed bytes to nodes, and what they say to them."""

from collections.abc import Sequence

from cloudpay.chains.nodes.faults import NodeFault
from cloudpay.chains.nodes.handing import Word, hand_over
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


def broadcast(nodes: Nodes, signed: Sequence[Signed]) -> Sequence[Answer]:
    """Hand bytes to one node, and what it did not take in to the next; a node's silence is UNKNOWN."""
    return hand_over(nodes, signed, lambda node, those: [_hand(node, each) for each in those])


def _hand(node: Node, signed: Signed) -> Word:
    try:
        told = node.ask(calls.broadcast(signed.raw))
    except NodeFault as fault:
        return fault
    except Refused as refusal:
        return Answer(Broadcast.UNKNOWN, refusal.told)
    outcome = outcome_of(told)
    if outcome is not Broadcast.ACCEPTED:
        return Answer(outcome, f"{told.code} {words(told.message)}".strip())
    if told.txid not in ("", signed.tx_id):
        return Answer(Broadcast.UNKNOWN, f"it calls the transaction {told.txid[:80]}")
    return Answer(outcome)


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
