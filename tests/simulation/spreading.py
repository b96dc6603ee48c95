"""Work spread over processes: each opens a simulation of its own, and takes the next piece when it is done with one."""

import faulthandler
import multiprocessing
import multiprocessing.util
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from typing import TypeVar

from tests.simulation.run import Simulation, simulation

_LONGEST = 600
"""Seconds after which a piece of work counts as hanging: where it stands is printed, and its process ends."""

Piece = TypeVar("Piece")
Result = TypeVar("Result")


class _Here:
    """The simulation of this process, open until it ends."""

    stack = ExitStack()
    run: Simulation


def spread(
    work: Callable[[Simulation, Piece], Result], pieces: Sequence[Piece], jobs: int, server: str | None
) -> Iterator[Result]:
    """Do all pieces of work, in `jobs` processes; answer the results as they come.

    `work` is a function of a module, or a `partial` of one: it is sent to the processes by name.
    """
    if jobs == 1:
        with simulation(server) as run:
            for each in pieces:
                yield _watched(work, run, each)
        return
    # Spawned, not forked: no process inherits the connections of another one.
    method = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=method, initializer=_open, initargs=(server,)) as pool:
        under_way = [pool.submit(_do, work, each) for each in pieces]
        try:
            for done in as_completed(under_way):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _open(server: str | None) -> None:
    multiprocessing.util.Finalize(None, _Here.stack.close, exitpriority=1)
    _Here.run = _Here.stack.enter_context(simulation(server))


def _do(work: Callable[[Simulation, Piece], Result], piece: Piece) -> Result:
    return _watched(work, _Here.run, piece)


def _watched(work: Callable[[Simulation, Piece], Result], run: Simulation, piece: Piece) -> Result:
    faulthandler.dump_traceback_later(_LONGEST, exit=True)
    try:
        return work(run, piece)
    finally:
        faulthandler.cancel_dump_traceback_later()
