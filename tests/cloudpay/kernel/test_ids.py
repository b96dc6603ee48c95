"""Identifiers: ordered by time, and no help in guessing others."""

from itertools import pairwise

from ulid import ULID

from cloudpay.kernel.ids import new_id

_MANY = 2_000
_GUESSES = 2**32


def _numbers() -> list[int]:
    return [int(ULID.from_str(new_id(""))) for _ in range(_MANY)]


def test_ids_of_one_process_sort_by_the_order_in_which_they_were_made() -> None:
    numbers = _numbers()
    assert numbers == sorted(set(numbers))


def test_whoever_knows_an_id_cannot_count_on_to_its_neighbours() -> None:
    """Many of these were made in the same millisecond, where only the random part differs."""
    numbers = _numbers()
    milliseconds = {number >> 80 for number in numbers}
    assert len(milliseconds) < _MANY / 2
    assert min(after - before for before, after in pairwise(numbers)) > _GUESSES
