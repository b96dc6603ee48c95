"""Handing signed bytes to nodes, and what they say to them: geth, Erigon, Nethermind, Besu, Reth, BSC, Bor, anvil."""

import re
from collections.abc import Sequence

from cloudpay.chains.spending import Answer, Broadcast, Signed
from cloudpay_evm.calls import Call
from cloudpay_evm.errors import NodeFault, Refused
from cloudpay_evm.node import Node
from cloudpay_evm.nodes import Nodes
from cloudpay_evm.wire import TEXT

_KNOWN = re.compile(
    r"already[ _]?known|already[ _]?exists|already imported|already in (the )?(mem)?pool|already in the system"
    r"|\bknown transaction",
    re.IGNORECASE,
)
_REJECTED = re.compile(
    r"nonce|underpriced|insufficient|not enough|fee|tip|gas|limit|exceed|too (low|high|large|big|many|short)|full|queue"
    r"|replace|invalid|malformed|reject|not (supported|allowed|permitted)|unsupported|unprotected|replay|chain ?id"
    r"|signature|sender|rlp|decod|pars|transaction type|typed transaction|delegat|authority|blacklist|deny",
    re.IGNORECASE,
)
_OWN_TROUBLE = re.compile(
    r"time(d)?[ -]?out|internal error|unavailable|connection|shutting down|syncing", re.IGNORECASE
)
_RANK = {Broadcast.ACCEPTED: 3, Broadcast.KNOWN: 2, Broadcast.UNKNOWN: 1, Broadcast.REJECTED: 0}


def broadcast(nodes: Nodes, signed: Sequence[Signed]) -> Sequence[Answer]:
    """Hand bytes to one node, and what it did not take in to the next; a node's silence is UNKNOWN."""
    said: dict[int, list[Answer]] = {place: [] for place in range(len(signed))}

    def hand_over(node: Node) -> bool:
        places = [place for place, answers in said.items() if not _is_in(answers)]
        calls = [Call("eth_sendRawTransaction", ("0x" + signed[place].raw.hex(),), TEXT) for place in places]
        told = node.try_each(calls)
        for place, answer in zip(places, told, strict=True):
            said[place].append(_answer(node, signed[place], answer))
        for answer in told:
            if isinstance(answer, NodeFault):
                raise answer  # so that the node rests
        return all(_is_in(answers) for answers in said.values())

    troubles = nodes.hand_round(hand_over) if signed else []
    return [_best(answers, troubles) for answers in said.values()]


def _answer(node: Node, signed: Signed, told: str | Refused | NodeFault) -> Answer:
    if isinstance(told, NodeFault):
        return Answer(Broadcast.UNKNOWN, f"{node.name}: {told.reason}")
    if isinstance(told, Refused):
        return Answer(outcome_of(told), f"{node.name}: {told.rpc_message}")
    if told.lower() != signed.tx_id:
        return Answer(Broadcast.UNKNOWN, f"{node.name}: it calls the transaction {node.veil.over(told)[:80]}")
    return Answer(Broadcast.ACCEPTED)


def outcome_of(refusal: Refused) -> Broadcast:
    """Say what an error means; words that nobody knows say nothing."""
    said = refusal.rpc_message
    if _KNOWN.search(said):
        return Broadcast.KNOWN
    if _OWN_TROUBLE.search(said):
        return Broadcast.UNKNOWN
    return Broadcast.REJECTED if _REJECTED.search(said) else Broadcast.UNKNOWN


def _is_in(answers: Sequence[Answer]) -> bool:
    return any(each.outcome in (Broadcast.ACCEPTED, Broadcast.KNOWN) for each in answers)


def _best(answers: Sequence[Answer], troubles: Sequence[str]) -> Answer:
    """Of several nodes' answers that which claims most; one that did not answer may have it all the same."""
    if not answers:
        return Answer(Broadcast.UNKNOWN, "; ".join(troubles))
    best = max(answers, key=lambda each: _RANK[each.outcome])
    if _is_in([best]):
        return best
    return Answer(best.outcome, "; ".join(each.reason for each in answers))
