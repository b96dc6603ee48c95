"""The chain's side: blocks that come, and reorganisations of one to three of them."""

import random
import threading
from collections.abc import Callable

from tests.kills.ground import Ground

DEEPEST = 3
"""Blocks that a reorganisation replaces at most."""


class Miner:
    """Drives one node from one thread, so that nothing happens to its chain at the same time."""

    pause = (0.05, 0.2)
    """Seconds between two rounds, at least and at most."""
    ours: frozenset[str] = frozenset()
    """Whose transactions the gateway hands out, and again after a reorganisation."""

    def __init__(
        self, ground: Ground, chance: random.Random, wants_reorgs: Callable[[], bool] = lambda: False
    ) -> None:
        self.ground, self.chance, self.wants_reorgs = ground, chance, wants_reorgs
        self.reorgs = 0
        self.calm = False
        self.failure: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Mine no more."""
        self._stop.set()
        self._thread.join(30)

    def send_due(self) -> bool:
        """Hand out what is to be in the next block; say whether there was anything."""
        return False

    def mine(self) -> None:
        """Mine one block, or now and then two."""
        self.ground.chain.node.mine(1 if self.send_due() else self.chance.randint(1, 2))

    def may_reorganise(self) -> bool:
        """Say whether the newest blocks may be replaced now."""
        return True

    def _run(self) -> None:
        try:
            while not self._stop.wait(self.chance.uniform(*self.pause)):
                self.mine()
                odds = 0.2 if self.wants_reorgs() else 0.06
                if not self.calm and self.chance.random() < odds and self.may_reorganise():
                    self._reorganise(self.chance.randint(1, DEEPEST))
        except BaseException as error:  # noqa: BLE001  # the run reports it
            self.failure = error

    def _reorganise(self, depth: int) -> None:
        """Replace the newest blocks; their transactions come again at once in other blocks, or later."""
        self.reorgs += 1
        self.ground.reorganise(depth, self.chance, self.ours)
