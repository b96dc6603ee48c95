"""For plugin authors and tests: a chain to script, a clock to set, and the class that every plugin must pass."""

from cloudpay.testing.addresses import FakeAddresses, fake_address, key_address
from cloudpay.testing.clock import FixedClock
from cloudpay.testing.fakechain import FakeChain
from cloudpay.testing.ledger import Move
from cloudpay.testing.plugin import FakePlugin, fake_contract, fake_plugin
from cloudpay.testing.signing import SeedSigner

__all__ = [
    "FakeAddresses",
    "FakeChain",
    "FakePlugin",
    "FixedClock",
    "Move",
    "SeedSigner",
    "fake_address",
    "fake_contract",
    "fake_plugin",
    "key_address",
]
