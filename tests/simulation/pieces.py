"""The pieces of work that may be done in any process: one seed, or the hunt for one planted defect."""

from collections.abc import Sequence
from dataclasses import replace

from tests.simulation.mutants.hunting import hunt
from tests.simulation.run import Simulation, Verdict
from tests.simulation.shrinking import ranges, shrink

_SHOWN = 60
"""Lines of the trace that are shown of a broken run."""


def one_seed(events: int | None, postgres: bool, run: Simulation, seed: int) -> tuple[Verdict, str]:
    """Run a seed; answer its verdict, and what there is to show of it where a rule was broken."""
    verdict = run.run(seed, events)
    shown = _told(run, verdict, events, postgres) if verdict.rule else ""
    return replace(verdict, trace=[]), shown


def one_defect(seeds: Sequence[int], run: Simulation, name: str) -> tuple[str, Verdict | None]:
    """Hunt for a defect; answer its name, and the run that found it."""
    found = hunt(run, name, seeds)
    return name, None if found is None else replace(found, trace=[])


def _told(run: Simulation, verdict: Verdict, events: int | None, postgres: bool) -> str:
    """Shorten a broken run, and answer its trace and the command that replays it."""
    shortest = shrink(run, verdict, events)
    words = [f"--seed {verdict.seed}", f"--events {shortest.events}"]
    words += [f"--skip {ranges(shortest.skip)}"] if shortest.skip else []
    words += ["--postgres"] if postgres else []
    return "\n".join(
        [
            f"\nBROKEN: seed {verdict.seed}, step {verdict.step}: {verdict.rule}\n  {verdict.found}",
            *shortest.verdict.trace[-_SHOWN:],
            f'\nreplay with: make simulate ARGS="{" ".join(words)}"\n',
        ]
    )
