"""The plugin tron is held to the seam over a node for development."""

from collections.abc import Iterator

import pytest

from cloudpay.testing.conformance import ChainConformance
from tests.conformance.tron_world import TronWorld, open_world


@pytest.fixture(scope="module")
def world() -> Iterator[TronWorld]:
    with open_world() as world:
        yield world


class TestTron(ChainConformance):
    """Every check of the suite."""
