"""Where each process of a run is to die: all places of all roles get their turn, the least tried first."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cloudpay.kernel.failpoints import Failpoint
from tests.kills.roles import LONGEST, RARE


@dataclass
class Tally:
    """What a run did."""

    kills: Counter[tuple[str, Failpoint]] = field(default_factory=Counter)
    not_come_by: Counter[tuple[str, Failpoint]] = field(default_factory=Counter)
    flushes: int = 0
    valkey_stops: int = 0
    database_stops: int = 0
    late_starts: int = 0


class Choice:
    """Chooses places by what a run has done so far."""

    def __init__(
        self,
        places: Mapping[str, Sequence[Failpoint]],
        tally: Tally,
        chance: random.Random,
        *,
        first_come: bool = False,
    ) -> None:
        self._places, self._tally, self._chance = places, tally, chance
        self._first_come = first_come

    @property
    def has_had_all(self) -> bool:
        """Say whether a process was killed at each place."""
        return not self.left_out

    @property
    def left_out(self) -> list[tuple[str, Failpoint]]:
        """Answer where no process was killed yet."""
        return [
            (role, place)
            for role, places in self._places.items()
            for place in places
            if not self._tally.kills[role, place]
        ]

    def is_done(self, role: str) -> bool:
        """Say whether a process of this role was killed at each of its places."""
        return all(self._tally.kills[role, place] for place in self._places[role])

    def rule(self, role: str) -> tuple[Failpoint | None, str]:
        """Answer the place at which this role was killed least, and what arms it; those left out come before last.

        With `first_come` all others at which none was killed yet are armed beside it, so that a process dies at
        whichever of them it comes by first. None for a role that is killed nowhere.
        """
        places = list(self._places[role])
        if not places:
            return None, ""
        self._chance.shuffle(places)
        place = min(places, key=lambda each: self._tried(role, each))
        beside = [each for each in places if each is not place and not self._tally.kills[role, each]]
        armed = [place, *beside] if self._first_come else [place]
        return place, ",".join(f"{each}=kill@{self._passage(role, each)}" for each in armed)

    def is_ahead(self, role: str) -> bool:
        """Say whether another role has had fewer turns at one of its places."""
        least = {
            each: min(self._tried(each, place) for place in places)
            for each, places in self._places.items()
            if places
        }
        return role in least and least[role] > min(least.values()) + 1

    def _passage(self, role: str, place: Failpoint) -> int:
        """At which passage to die; a role that is ahead of the others lives longer, so that all get their turn.

        With `first_come` it need not: whoever has had all its turns is left alone, and what was not come by comes soon.
        """
        if place in RARE or (self._first_come and self._tally.not_come_by[role, place]):
            return 1
        if self._first_come:
            return self._chance.randint(1, LONGEST.get(role, 8))
        return self._chance.randint(1, LONGEST.get(role, 8) * (4 if self.is_ahead(role) else 1))

    def _tried(self, role: str, place: Failpoint) -> int:
        return self._tally.kills[role, place] + self._tally.not_come_by[role, place]
