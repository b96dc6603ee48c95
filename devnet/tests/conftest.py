"""What several test modules of devnet need."""

import itertools
from collections.abc import Callable

import pytest

_numbers = itertools.count(0xC10D_0000_0000_0001)


@pytest.fixture
def new_address() -> Callable[[], str]:
    """Addresses that nobody used before in this process."""
    return lambda: f"0x{next(_numbers):040x}"
