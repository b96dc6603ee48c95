"""The plugin bsc is held to the seam over a real node."""

from collections.abc import Iterator

import pytest

from cloudpay.testing.conformance import ChainConformance
from tests.conformance.evm_world import EvmWorld, open_world


@pytest.fixture(scope="module")
def world() -> Iterator[EvmWorld]:
    with open_world("bsc") as world:
        yield world


class TestBsc(ChainConformance):
    """Every check of the suite."""
