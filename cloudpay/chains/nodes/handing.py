"""Handing signed bytes to nodes of any family: what one did not take in goes to the next, the best word counts."""

from collections.abc import Callable, Iterable, Sequence

from cloudpay.chains.nodes.faults import NodeFault
from cloudpay.chains.nodes.members import NodeT
from cloudpay.chains.nodes.pool import NodePool
from cloudpay.chains.spending import Answer, Broadcast, Signed

Word = Answer | NodeFault
"""What a node said of some bytes, its reason without its name; or that it said nothing useful."""

_RANK = {Broadcast.ACCEPTED: 3, Broadcast.KNOWN: 2, Broadcast.UNKNOWN: 1, Broadcast.REJECTED: 0}


def hand_over(
    nodes: NodePool[NodeT],
    signed: Sequence[Signed],
    hand: Callable[[NodeT, Sequence[Signed]], Iterable[Word]],
) -> Sequence[Answer]:
    """Have `hand` give bytes to one node after the other until all are in; a node's silence is UNKNOWN."""
    said: dict[int, list[Answer]] = {place: [] for place in range(len(signed))}

    def one(node: NodeT) -> bool:
        places = [place for place, answers in said.items() if not _is_in(answers)]
        words = list(hand(node, [signed[place] for place in places]))
        for place, word in zip(places, words, strict=True):
            said[place].append(_told(node, word))
        for word in words:
            if isinstance(word, NodeFault):
                raise word  # so that the node rests
        return all(_is_in(answers) for answers in said.values())

    troubles = nodes.hand_round(one) if signed else []
    return [_best(answers, troubles) for answers in said.values()]


def _told(node: NodeT, word: Word) -> Answer:
    if not isinstance(word, NodeFault) and word.outcome is Broadcast.ACCEPTED:
        return word
    outcome = Broadcast.UNKNOWN if isinstance(word, NodeFault) else word.outcome
    return Answer(outcome, f"{node.name}: {node.veil.over(word.reason)}".rstrip())


def _is_in(answers: Sequence[Answer]) -> bool:
    return any(each.outcome in (Broadcast.ACCEPTED, Broadcast.KNOWN) for each in answers)


def _best(answers: Sequence[Answer], troubles: Sequence[str]) -> Answer:
    """Of several nodes' answers that which claims most; one that did not answer may have it all the same."""
    if not answers:
        return Answer(Broadcast.UNKNOWN, "; ".join(troubles))
    best = max(answers, key=lambda each: _RANK[each.outcome])
    return best if _is_in([best]) else Answer(best.outcome, "; ".join(each.reason for each in answers))
