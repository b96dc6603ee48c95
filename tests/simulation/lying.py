"""What is wrong with nodes: away, behind, on another fork, or telling less than there is; and how they come right."""

from collections.abc import Callable
from random import Random

from cloudpay.chains.types import Capability
from cloudpay.testing import FakeChain
from cloudpay.testing.ledger import Move
from tests.simulation.events import happens, some_network
from tests.simulation.lies import PAGE_LIES
from tests.simulation.mirror import Row
from tests.simulation.nodes import Node
from tests.simulation.second import SECOND_LIES
from tests.simulation.stage import Stage


@happens("a node lies", 6)
def _lie(stage: Stage) -> None:
    rng, code = stage.world.rng, some_network(stage)
    if stage.world.profile.quiet_nodes:
        return
    node, chain = stage.world.node(code), stage.chain(code)
    lie = rng.choice([*_LIES, *_MORE_OFTEN])
    if lie == "hides" and rng.random() < 0.3:
        return
    stage.world.note(f"  {code}: {lie}")
    _LIES[lie](node, chain, rng)


def _fails(node: Node, _chain: FakeChain, rng: Random) -> None:
    node.faults.fails = rng.choice([0.2, 0.5, 0.9])


def _pages(node: Node, _chain: FakeChain, rng: Random) -> None:
    node.faults.pages = rng.choice(list(PAGE_LIES))


def _fork(node: Node, _chain: FakeChain, _rng: Random) -> None:
    node.faults.other_fork = True


def _hides(node: Node, _chain: FakeChain, _rng: Random) -> None:
    node.faults.hides = True


def _other_chain(_node: Node, chain: FakeChain, _rng: Random) -> None:
    chain.wrong_chain = True


_LIES: dict[str, Callable[[Node, FakeChain, Random], object]] = {
    "fails": _fails,
    "pages": _pages,
    "other fork": _fork,
    "hides": _hides,
    "other chain": _other_chain,
    "down": lambda _node, chain, _rng: chain.go_down("timed out"),
    "frozen head": lambda _node, chain, _rng: chain.freeze_head(),
    "frozen final block": lambda _node, chain, _rng: chain.freeze_final(),
    "behind": lambda _node, chain, rng: chain.head_backwards(rng.choice([1, 3, 10])),
    "no logs": lambda _node, chain, _rng: chain.lie_empty_logs(),
}


_MORE_OFTEN = ["pages"] * 4 + ["other fork"] * 3
"""One lie that has many kinds, and one that harms at a rare moment alone."""


@happens("a second node lies", 3)
def _lie_again(stage: Stage) -> None:
    rng, code = stage.world.rng, some_network(stage)
    if not stage.world.profile.quiet_nodes:
        stage.world.node(code).second.lie = lie = rng.choice(SECOND_LIES)
        stage.world.note(f"  the second node of {code}: {lie}")


@happens("a node leaves one log out", 3)
def _leave_out(stage: Stage) -> None:
    """Tokens arrive, by one transfer or by some of one transaction, and the node that is read leaves one out."""
    world, rng = stage.world, stage.world.rng
    option = stage.some_invoice()
    if world.profile.quiet_nodes or option is None or not option["asset"]:
        return
    code = option["network"]
    chain, missing = stage.chain(code), int(option["amount"])
    parts = rng.choice([[missing], [missing, 2 * missing], [2 * missing, missing, 1]])
    chain.transact(*(Move(chain.payer, option["address"], each, option["asset"]) for each in parts))
    world.note(f"  {len(parts)} transfers to {option['invoice_id']}, of which one is left out")
    world.node(code).faults.omits = True
    _mined_and_read(stage, code, 1)
    if rng.random() < 0.7:
        world.node(code).faults.omits = False


@happens("a node hides a payment", 3)
def _hide(stage: Stage) -> None:
    """Where nodes do not trace, a balance shows what is hidden of the native coin; a rescan shows it once more."""
    option = stage.some_invoice()
    if stage.world.profile.quiet_nodes or option is None:
        return
    code = option["network"]
    stage.chain(code).send(option["address"], int(option["amount"]), option["asset"] or None)
    stage.world.note(f"  {option['amount']} to {option['invoice_id']}, hidden")
    faults = stage.world.node(code).faults
    faults.hides = True
    _mined_and_read(stage, code, 1)
    faults.hides = False


@happens("two nodes are asked for a large amount", 3)
def _dispute(stage: Stage) -> None:
    """A large amount is final, and another node has not heard of its block, or has another one."""
    world, rng = stage.world, stage.world.rng
    option = stage.some_invoice()
    if option is None or Capability.SECOND_OPINION not in world.node(option["network"]).capabilities:
        return
    code = option["network"]
    large = _large(stage, option)
    if large is None:
        return
    stage.chain(code).send(option["address"], large, option["asset"] or None)
    world.note(f"  a large amount to {option['invoice_id']}")
    if not world.profile.quiet_nodes:
        world.node(code).second.lie = rng.choice(["disputes", "is away", ""])
    _mined_and_read(stage, code, stage.chain(code).settings.large_confirmations + 1)


def _large(stage: Stage, option: Row) -> int | None:
    asset = stage.grounds.chains.network(option["network"]).asset_of(option["asset"])
    if asset is None or asset.large_amount is None:
        return None
    return max(int(option["amount"]), asset.large_amount)


def _mined_and_read(stage: Stage, code: str, count: int) -> None:
    for _ in range(count):
        stage.world.pass_time(2)
        stage.chain(code).mine()
    stage.world.learn(code)
    stage.watchers[code][0].poll()


@happens("nodes are honest", 6, optional=False)
def _honest(stage: Stage) -> None:
    for code in stage.world.chains:
        make_honest(stage, code)


def make_honest(stage: Stage, code: str) -> None:
    """Have a network's nodes answer truly."""
    chain = stage.chain(code)
    chain.come_back()
    chain.wrong_chain = False
    stage.world.node(code).be_honest()
