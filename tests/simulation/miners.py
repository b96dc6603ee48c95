"""What chains do: blocks, and reorganisations of every kind."""

from cloudpay.testing import FakeChain
from cloudpay.testing.ledger import FakeTransaction, Move
from tests.simulation.events import happens, some_network
from tests.simulation.stage import Stage


@happens("blocks are mined", 18, optional=False)
def _mine(stage: Stage) -> None:
    rng = stage.world.rng
    for code in stage.world.chains if rng.random() < 0.6 else [some_network(stage)]:
        chain = stage.chain(code)
        left = [each for each in chain.mempool if rng.random() < 0.15]
        for _ in range(rng.choice([1, 1, 2, 4])):
            stage.world.pass_time(rng.choice([1, 2, 12]))
            chain.mine(1, leave=left)
        stage.world.learn(code)


@happens("a chain is reorganised", 6, optional=False)
def _reorganise(stage: Stage) -> None:
    rng, code = stage.world.rng, some_network(stage)
    confirmations = stage.chain(code).settings.confirmations
    deep = rng.random() < stage.world.profile.deep
    depth = rng.randint(confirmations, 3 * confirmations) if deep else rng.randint(1, confirmations - 1)
    rewrite(stage, code, depth)


@happens("a chain goes back to a branch that it left", 2)
def _flip(stage: Stage) -> None:
    code = some_network(stage)
    chain, rng = stage.chain(code), stage.world.rng
    before = chain.branch()
    depth = rng.randint(1, chain.settings.confirmations - 1)
    rewrite(stage, code, depth)
    for _ in range(rng.choice([0, 1, 2])):
        stage.world.interruption()
    stage.watchers[code][0].poll()
    if chain.height < before[-1].header.height + chain.settings.confirmations - depth:
        chain.switch(before)
        stage.world.learn(code)
        stage.world.note(f"  {code} is back at block {chain.height}")


@happens("what is final is taken back", 3)
def _take_back(stage: Stage) -> None:
    """An invoice is paid, its payment final and told; then a deep reorganisation drops it, or puts it elsewhere."""
    world, rng = stage.world, stage.world.rng
    option = stage.some_invoice()
    if rng.random() > 2 * world.profile.deep or option is None or option["network"] not in world.chains:
        return
    code = option["network"]
    chain, watcher = stage.chain(code), stage.watchers[code][0]
    chain.send(option["address"], int(option["amount"]), option["asset"] or None)
    depth = max(chain.settings.confirmations, chain.settings.large_confirmations) + 1
    for _ in range(depth):
        world.pass_time(2)
        chain.mine()
    world.learn(code)
    world.note(f"  {option['invoice_id']} is paid, and it is final")
    for _ in range(2):
        watcher.poll()
        stage.drainers[0].drain(100)
    rewrite(stage, code, depth + rng.choice([0, 1, 3]))
    watcher.poll()


@happens("a chain begins anew", 1)
def _anew(stage: Stage) -> None:
    """Nothing that was read is left: rare, and only where everything may go wrong."""
    code = some_network(stage)
    chain = stage.chain(code)
    if stage.world.rng.random() < stage.world.profile.deep:
        rewrite(stage, code, chain.height - 2)


def rewrite(stage: Stage, code: str, depth: int) -> None:
    """Replace blocks: their transactions come back elsewhere, otherwise, later or never."""
    rng, chain = stage.world.rng, stage.chain(code)
    floor = stage.world.rules.truths[code].floor
    depth = min(depth, chain.height - 1)
    gone = [each.transaction for block in chain.branch()[-depth:] for each in block.included]
    drop = {each.id for each in gone if rng.random() < 0.15}
    first = chain.height - depth + 1
    count = depth + rng.choice([0, 1, 1, 2])
    blocks: list[list[str]] = [[] for _ in range(count)]
    # What lay above the first block that was ever read stays above it: nobody can know what came before.
    lowest = max(0, (floor or 0) + 1 - first)
    for each in gone:
        if each.id not in drop and rng.random() < 0.75 and lowest < count:
            blocks[rng.randrange(lowest, count)].append(each.id)
    for ids in blocks:
        rng.shuffle(ids)
    stage.world.note(f"  {code}: {depth} blocks at {chain.height} replaced by {count}, {len(drop)} dropped")
    chain.rewrite(depth, [], drop=drop)
    for each in gone:
        if each.id not in drop and rng.random() < 0.1:
            _alter(chain, each, rng.choice(["less", "fails"]))
    chain.rewrite(0, [[each for each in ids if each in chain.mempool] for ids in blocks])
    stage.world.learn(code)


def _alter(chain: FakeChain, transaction: FakeTransaction, how: str) -> None:
    moves = [
        Move(each.sender, each.recipient, max(1, each.amount - 1), each.contract, each.via_contract)
        for each in transaction.moves
    ]
    chain.alter(transaction.id, *(moves if how == "less" else transaction.moves), fails=how == "fails")
