"""A shorter run that breaks the same rule: steps are left out as long as it does."""

from dataclasses import dataclass

from tests.simulation.run import EVENTS_PER_SEED, Simulation, Verdict

_MOST_RUNS = 60


@dataclass(frozen=True)
class Shortest:
    """The shortest run that was found: how many steps, and which of them are left out."""

    events: int
    skip: list[int]
    verdict: Verdict


def shrink(run: Simulation, broken: Verdict, events: int | None, *, most_runs: int = _MOST_RUNS) -> Shortest:
    """Leave out what is not needed, in halves, quarters and so on, as far as a bounded number of runs leads."""
    last = min(broken.step, events or broken.events) or EVENTS_PER_SEED
    best = Shortest(last, [], broken)
    tried = run.run(broken.seed, last)
    runs = 1
    if tried.rule != broken.rule:  # what comes at the end needs all of its steps
        last = broken.events
        best = Shortest(last, [], broken)
    size = max(1, last // 2)
    while runs < most_runs:
        for first in range(1, last + 1, size):
            chunk = [each for each in range(first, min(first + size, last + 1)) if each not in best.skip]
            if not chunk or runs >= most_runs:
                continue
            skip = sorted([*best.skip, *chunk])
            verdict = run.run(broken.seed, last, skip)
            runs += 1
            if verdict.rule == broken.rule:
                best = Shortest(last, skip, verdict)
        if size == 1:
            break
        size //= 2
    return best


def ranges(steps: list[int]) -> str:
    """Write steps as `3,7-12`."""
    words: list[str] = []
    for step in sorted(steps):
        if words and int(words[-1].rpartition("-")[2]) == step - 1:
            words[-1] = f"{words[-1].partition('-')[0]}-{step}"
        else:
            words.append(str(step))
    return ",".join(words)


def read_ranges(text: str) -> list[int]:
    """Read what `ranges` writes."""
    found: list[int] = []
    for word in filter(None, text.split(",")):
        first, _, last = word.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return found
