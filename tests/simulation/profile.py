"""What one seed is like: which kinds of events it has, how often, and how much goes wrong between them."""

from dataclasses import dataclass
from random import Random

from cloudpay.chains.types import Capability
from cloudpay.payments.balances import BUDGET
from tests.simulation.networks import KINDS

BIG_EVERY = 500
"""Every so many seeds one has thousands of invoices."""
BIG_INVOICES = 1_500

_OFTEN = 0.7


@dataclass(frozen=True)
class Profile:
    """The character of a run; drawn from its seed, so that runs differ more than their steps do."""

    networks: tuple[str, ...]
    off: frozenset[str]
    """Kinds of events that do not happen in this run."""
    kill: float
    """How likely a process dies at a boundary; and so on for what follows."""
    interleave: float
    slow: float
    database: float
    deep: float
    """How likely a reorganisation goes past finality."""
    invoices: int
    """How many invoices there are from the start."""
    stubborn: bool
    """Whether endpoints stay as they are at the end, until every attempt was made."""
    quiet_nodes: bool
    """Whether nodes never lie: reorganisations, crashes and payers are enough then."""
    nodes: Capability
    """What the nodes can do besides, where their kind of chain has it."""
    budget: int
    """How many balances are looked at in one block."""


def draw(seed: int, optional: list[str]) -> Profile:
    """Draw the character of a seed's run."""
    rng = Random(f"profile:{seed}")
    codes = tuple(rng.sample(list(KINDS), rng.choice([1, 1, 1, 2, 3])))
    big = seed > 0 and seed % BIG_EVERY == 0
    calm = rng.random() < 0.15
    return Profile(
        networks=codes[:1] if big else codes,
        off=frozenset(each for each in optional if rng.random() < 0.35),
        kill=0 if calm else rng.choice([0, 0.003, 0.01, 0.03]),
        interleave=0 if calm else rng.choice([0, 0.01, 0.03]),
        slow=rng.choice([0, 0, 0.02]),
        database=0 if calm else rng.choice([0, 0, 0.003, 0.01]),
        deep=rng.choice([0, 0.1, 0.3, 0.5]),
        invoices=BIG_INVOICES if big else 0,
        stubborn=rng.random() < 0.2,
        quiet_nodes=rng.random() < 0.25,
        nodes=_nodes(rng),
        budget=BUDGET if big else rng.choice([2, 5, 20]),
    )


def _nodes(rng: Random) -> Capability:
    found = Capability.NONE
    for each in (Capability.SECOND_READING, Capability.SECOND_OPINION, Capability.MANY_BALANCES):
        if rng.random() < _OFTEN:
            found |= each
    return found
