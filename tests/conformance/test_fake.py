"""The fake chain is held to the seam like any plugin, with and without each capability."""

import pytest

from cloudpay.chains.types import Capability
from cloudpay.testing.conformance import ChainConformance
from cloudpay.testing.fakeworld import FakeWorld

_CAPABILITIES = {
    "as shipped": None,
    "with mempool": Capability.TOKENS | Capability.TRACES | Capability.MEMPOOL | Capability.MULTI_OUTPUT,
    "without traces": Capability.TOKENS | Capability.HISTORY | Capability.SENDS,
    "read twice": Capability.TOKENS | Capability.TRACES | Capability.SECOND_READING,
}


class TestFakeChain(ChainConformance):
    @pytest.fixture(params=list(_CAPABILITIES.values()), ids=list(_CAPABILITIES))
    def world(self, request: pytest.FixtureRequest) -> FakeWorld:
        return FakeWorld(capabilities=request.param)
