"""The first block: who owns what before anything happens."""

from functools import cache
from hashlib import sha256

from cloudpay_devnet.tron import blocks
from cloudpay_devnet.tron.keys import WITNESS, DevKey, dev_keys
from cloudpay_devnet.tron.parameters import TRX
from cloudpay_devnet.tron.store import StoredBlock
from cloudpay_devnet.tron.world import World

CHAIN_START_MS = 1_700_000_001_000
FUNDS = 1_000_000 * TRX


def witness_of_branch(branch: int) -> DevKey:
    """Who makes blocks: another witness after each fork, so that no replaced block comes again by chance."""
    return WITNESS if branch == 0 else DevKey(sha256(f"cloudpay witness {branch}".encode()).hexdigest())


def first_world() -> World:
    """Ten accounts with a million TRX each."""
    world = World()
    for key in dev_keys():
        world.activate(key.address, CHAIN_START_MS)
        world.pay(key.address, FUNDS)
    return world


@cache
def first_block() -> StoredBlock:
    """The same on every run, so that chains of the same kind share their id."""
    return blocks.make(0, CHAIN_START_MS, bytes(32), [], [], WITNESS)
