"""Identifiers: a prefix that says what it is, then a ULID: ordered by time, unguessable, its neighbours included."""

import secrets

from ulid import RandomnessSource, ULIDGenerator

_FIRST_BITS, _STEP_BITS = 79, 64  # of 80: room for more steps than any process makes in a millisecond
_RANDOM_BYTES = 10


class _RandomSteps:
    """Ids of one millisecond keep their order by steps of 64 random bits.

    The library's own steps are of one. Every request is told an id of its own, and whoever holds an invoice's may look
    at it: a stranger would only have to count.
    """

    def __init__(self) -> None:
        self._millisecond, self._last = 0, 0

    def resolve_randomness(self, timestamp: int, _source: RandomnessSource) -> bytes:
        """Answer the random part; the generator calls it by one thread at a time."""
        if timestamp == self._millisecond:
            self._last += 1 + secrets.randbits(_STEP_BITS)
        else:
            self._millisecond, self._last = timestamp, secrets.randbits(_FIRST_BITS)
        return self._last.to_bytes(_RANDOM_BYTES)


next_ulid = ULIDGenerator(policy=_RandomSteps()).generate


def new_id(prefix: str) -> str:
    """Answer a fresh identifier such as `INV-01J9…`; ids of one prefix sort by the time they were made."""
    return f"{prefix}{next_ulid()}"
