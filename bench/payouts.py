"""Payouts from the POST to the node: how long, what of it is processor time, how many RPC calls, how much memory."""

import statistics
from collections.abc import Iterator, Mapping, Sequence

from bench.grounds import EVM, ChainT
from bench.payers import Payer, Sent, paying
from bench.report import Figure, Scale
from bench.servers import postgres

_SLOWER = 0.05
_HUNDRED, _HUNDRED_SLOW = 1.0, 5.0
_ACCEPTED, _THOUSAND = 2.0, 10.0
"""Seconds that are wanted."""
_KINDS = {"ETH": "native coin", "USDT": "token"}
_MEMORY = ("web", "send")


def payouts(scale: Scale) -> list[Figure]:
    """Send hundreds on SQLite (WAL, synchronous=FULL)."""
    return _hundreds(scale, None, "SQLite")


def payouts_on_postgres(scale: Scale) -> list[Figure]:
    """Send hundreds on PostgreSQL with synchronous commit."""
    with postgres() as server:
        return _hundreds(scale, server, "PostgreSQL")


def large(scale: Scale) -> list[Figure]:
    """Send a thousand and ten thousand on SQLite."""
    return _thousands(scale, None, "SQLite")


def large_on_postgres(scale: Scale) -> list[Figure]:
    """Send a thousand and ten thousand on PostgreSQL."""
    with postgres() as server:
        return _thousands(scale, server, "PostgreSQL")


def _hundreds(scale: Scale, server: str | None, name: str) -> list[Figure]:
    count, rounds = scale.of(100, 10), scale.of(5, 1)
    figures: list[Figure] = []
    with paying(server, EVM) as payer:
        for symbol, kind in _KINDS.items():
            sent = [_settled(payer, symbol, count) for _ in range(rounds)]
            what = f"{count} payouts, {kind}, POST to all broadcast"
            figures += _broadcast(what, sent, name, _HUNDRED)
    with paying(server, EVM, slower=_SLOWER) as payer:
        for symbol, kind in _KINDS.items():
            what = f"{count} payouts, {kind}, each request to the node {_SLOWER * 1000:g} ms slower"
            sent, calls = [], []
            for _ in range(rounds):
                before = _calls(payer)
                sent.append(payer.send(symbol, count))
                at_broadcast = _calls(payer) - before
                payer.settle()
                calls.append((at_broadcast / count, (_calls(payer) - before) / count))
            figures += _broadcast(what, sent, name, _HUNDRED_SLOW)
            figures += _per_item(kind, calls, count)
    return figures


def _thousands(scale: Scale, server: str | None, name: str) -> list[Figure]:
    few, many = scale.of(1_000, 100), scale.of(10_000, 300)
    figures: list[Figure] = []
    with paying(server, EVM) as payer:
        for symbol, kind in _KINDS.items():
            sent = _settled(payer, symbol, few)
            what = f"{few:,} payouts, {kind}"
            figures.append(Figure(f"{what}, POST to its answer", sent.accepted, "s", name, at_most=_ACCEPTED))
            figures += _broadcast(f"{what}, POST to all broadcast", [sent], name, _THOUSAND)
            more = _settled(payer, symbol, many)
            what = f"{many:,} payouts, {kind}"
            figures.append(Figure(f"{what}, POST to its answer", more.accepted, "s", name))
            figures += _broadcast(f"{what}, POST to all broadcast", [more], name, None)
            figures += _memory(f"{many:,} against {few:,}, {kind}", sent.peaks, more.peaks)
    return figures


def _settled(payer: Payer[ChainT], symbol: str, count: int) -> Sent:
    sent = payer.send(symbol, count)
    payer.settle()
    return sent


def _broadcast(what: str, sent: Sequence[Sent], name: str, goal: float | None) -> Iterator[Figure]:
    seconds = sorted(each.broadcast for each in sent)
    how = name if len(sent) == 1 else f"{name}; median of {len(sent)}, the slowest {seconds[-1]:.2f} s"
    yield Figure(what, statistics.median(seconds), "s", how, at_most=goal)
    cpu = {who: statistics.median(each.cpu[who] for each in sent) for who in sent[0].cpu}
    shares = ", ".join(f"{who} {spent:.2f}" for who, spent in cpu.items())
    yield Figure("  processor time until then, without node and database", sum(cpu.values()), "s", shares)


def _per_item(kind: str, calls: Sequence[tuple[float, float]], count: int) -> Iterator[Figure]:
    """The medians of calls until all was broadcast, and until all was final."""
    out, final = (statistics.median(each[place] for each in calls) for place in (0, 1))
    how = f"{count} in one batch, each call in a request counted"
    yield Figure(f"RPC calls for each payout, {kind}, until broadcast", out, "calls", how)
    yield Figure(f"RPC calls for each payout, {kind}, until final", final, "calls", how)


def _calls(payer: Payer[ChainT]) -> int:
    return 0 if payer.proxy is None else len(payer.proxy.calls)


def _memory(what: str, few: Mapping[str, float], many: Mapping[str, float]) -> Iterator[Figure]:
    for who in _MEMORY:
        how = f"{many[who]:.0f} MB against {few[who]:.0f} MB, resident"
        yield Figure(f"peak memory of {who}, {what}", many[who] / few[who], "times", how)
