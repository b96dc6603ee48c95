"""The hunt for planted defects: seeds are run until one of them breaks a rule."""

from collections.abc import Iterable

from tests.simulation.mutants import crediting, invoices, reading, second_looks, telling  # noqa: F401  # their defects
from tests.simulation.mutants.planting import MUTANTS, planted
from tests.simulation.run import Simulation, Verdict

__all__ = ["MUTANTS", "hunt", "planted"]


def hunt(run: Simulation, name: str, seeds: Iterable[int], events: int | None = None) -> Verdict | None:
    """Run seeds with a defect until a rule is broken; answer that run, None when no seed finds it."""
    with planted(name):
        for seed in seeds:
            verdict = run.run(seed, events)
            if "TypeError" in verdict.found or "AttributeError" in verdict.found:
                raise RuntimeError(f"the defect {name!r} does not fit the code any more: {verdict.found}")
            if verdict.rule:
                return verdict
    return None
