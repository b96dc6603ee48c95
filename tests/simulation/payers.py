"""What payers do: exactly what is asked, or anything else that has ever reached a deposit address."""

from cloudpay.testing import fake_address
from cloudpay.testing.ledger import Move
from tests.simulation.events import happens, some_network
from tests.simulation.mirror import Row
from tests.simulation.stage import Stage

_FAKE_TOKEN = fake_address("a token that calls itself USDT")


def _asked(stage: Stage, **how: bool) -> tuple[Row, int] | None:
    """Answer an option by chance, and what is missing of its amount."""
    option = stage.some_invoice(**how)  # type: ignore[arg-type]  # flags alone are passed
    if option is None:
        return None
    mirror = stage.world.rules.mirror
    known = sum(int(each["amount"]) for each in mirror.standing(option["invoice_id"]))
    return option, max(1, int(option["amount"]) - known)


def _send(stage: Stage, option: Row, amount: int, *, contract: str | None = "asked", **how: bool) -> None:
    chain = stage.chain(option["network"])
    token = (option["asset"] or None) if contract == "asked" else contract
    tx_id = chain.send(option["address"], amount, token, **how)  # type: ignore[arg-type]  # flags alone
    stage.world.note(f"  {amount} of {token or 'native'} to {option['invoice_id']}: {tx_id[:10]} {how or ''}")


@happens("a payer pays", 12, optional=False)
def _pay(stage: Stage) -> None:
    for _ in range(stage.world.rng.choice([1, 1, 2])):
        found = _asked(stage)
        if found:
            _send(stage, *found)


@happens("a payer pays through a contract", 5)
def _through(stage: Stage) -> None:
    found = _asked(stage)
    if found:
        _send(stage, *found, via_contract=not found[0]["asset"])


@happens("a payer pays in parts", 4)
def _parts(stage: Stage) -> None:
    found = _asked(stage)
    if found:
        option, missing = found
        part = max(1, missing // stage.world.rng.choice([2, 3]))
        for _ in range(stage.world.rng.choice([1, 2])):
            _send(stage, option, part, via_contract=not option["asset"] and stage.world.rng.random() < 0.3)


@happens("a payer pays otherwise", 5)
def _otherwise(stage: Stage) -> None:
    found = _asked(stage)
    if found:
        option, missing = found
        rng = stage.world.rng
        huge = 2**256 - 1 if option["asset"] else 10**30
        _send(stage, option, rng.choice([missing + 1, 2 * missing, max(1, missing - 1), 1, huge]))


@happens("a payer is late", 2)
def _late(stage: Stage) -> None:
    found = _asked(stage, open_first=False)
    if found:
        _send(stage, *found)


@happens("a payer takes the wrong asset or network", 3)
def _wrong(stage: Stage) -> None:
    found = _asked(stage)
    if found:
        option, missing = found
        rng, code = stage.world.rng, some_network(stage)
        assets = [each.contract for each in stage.grounds.chains.network(code).assets]
        stage.world.note(f"  on {code} for one of {option['network']}")
        stage.chain(code).send(option["address"], missing, rng.choice(assets))


@happens("a merchant moves its own coins", 3)
def _own(stage: Stage) -> None:
    """From its master wallet, or from one of its deposit addresses: to another one, or away; no income."""
    option = stage.some_invoice(open_first=False)
    if option is None:
        return
    rng, mirror, chain = stage.world.rng, stage.world.rules.mirror, stage.chain(option["network"])
    merchant = mirror.invoices[option["invoice_id"]]["merchant_id"]
    master = next(each.master for each in stage.grounds.shops if each.principal.merchant_id == merchant)
    if rng.random() < 0.5:
        chain.send(option["address"], rng.choice([1, 10**16]), None, master)
        stage.world.note(f"  tops {option['invoice_id']} up")
        return
    there = chain.spendable(option["address"], option["asset"] or None)
    others = [each for each in mirror.options.values() if each["network"] == option["network"]]
    same = [each for each in others if mirror.invoices[each["invoice_id"]]["merchant_id"] == merchant]
    target = rng.choice([master, fake_address("an exchange"), rng.choice(same)["address"]])
    if there and target != option["address"]:
        amount = rng.choice([there, max(1, there // 2)])
        chain.send(target, amount, option["asset"] or None, option["address"], origin=chain.payer)
        stage.world.note(f"  moves {amount} from {option['invoice_id']} to {target}")


@happens("one transaction pays many", 4)
def _many(stage: Stage) -> None:
    rng, code = stage.world.rng, some_network(stage)
    chain = stage.chain(code)
    moves: list[Move] = []
    for _ in range(rng.choice([2] * 9 + [3] * 5 + [50])):
        option = stage.some_invoice(code=code)
        if option is None:
            return
        amount = max(1, int(option["amount"]) // rng.choice([1, 1, 2, 50]))
        through = not option["asset"] and rng.random() < 0.1
        moves.append(Move(chain.payer, option["address"], amount, option["asset"] or None, through))
    stage.world.note(f"  {len(moves)} transfers on {code}: {chain.transact(*moves)[:10]}")


@happens("money that is none arrives", 4)
def _none(stage: Stage) -> None:
    """A fake token, nothing at all, or a transaction that fails."""
    found = _asked(stage)
    if found:
        option, missing = found
        what = stage.world.rng.choice(["fake", "zero", "failed"])
        if what == "fake":
            _send(stage, option, missing, contract=_FAKE_TOKEN)
        elif what == "zero":
            _send(stage, option, 0)
        else:
            _send(stage, option, missing, fails=True)
