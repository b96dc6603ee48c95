"""The plugin bsc is held to the seam over a real node."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudpay.testing.conformance import ChainConformance
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.faultproxy import FaultProxy

_spec = importlib.util.spec_from_file_location("evm_world", Path(__file__).with_name("evm_world.py"))
assert _spec and _spec.loader
worlds: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(worlds)


@pytest.fixture(scope="module")
def world() -> Iterator[Any]:
    with DevChain.start("bsc") as chain, FaultProxy(chain.node.rpc_url) as proxy:
        world = worlds.EvmWorld(chain, proxy)
        yield world
        world.close()


class TestBsc(ChainConformance):
    """Every check of the suite."""
