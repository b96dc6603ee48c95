"""What a million invoices in the tables cost the next one: a full database against an empty one, taken in turns."""

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from werkzeug.test import TestResponse

from bench.filling import fill
from bench.report import Figure, Scale
from bench.servers import folder, postgres
from bench.serving import BODY, NETWORK, open_network
from bench.shops import Shop, database, open_shop, write_settings
from cloudpay.app import create_app
from cloudpay.invoices.change import expire_due
from cloudpay.outbox.service import drain
from cloudpay.wallets.service import ours
from cloudpay.webhooks.claims import next_due_in
from cloudpay.wiring import EVENT_HANDLERS

_GOAL = 1.2
_WARM_UP = 60
_ON_A_PAGE = 2_000


class _Work(NamedTuple):
    """One thing that is measured: how often in each turn, and what."""

    times: int
    run: Callable[[], object]


def million(scale: Scale) -> list[Figure]:
    """Measure on SQLite (WAL, synchronous=FULL)."""
    return _compare(scale, None, "SQLite")


def million_on_postgres(scale: Scale) -> list[Figure]:
    """Measure on PostgreSQL with synchronous commit."""
    with postgres() as server:
        return _compare(scale, server, "PostgreSQL")


def _compare(scale: Scale, server: str | None, name: str) -> list[Figure]:
    count, turns = scale.of(1_000_000, 20_000), scale.of(20, 5)
    with _shop(server) as empty, _shop(server) as full:
        began = time.perf_counter()
        fill(full, count)
        filled = time.perf_counter() - began
        before, after = _in_turns(_works(empty), _works(full), turns)
    how = f"{name}; median of {turns} turns"
    figures = [Figure(f"filling with {count:,} invoices", filled, "s", name)]
    for what in before:
        times = f"{after[what] * 1000:.3g} ms with {count:,}, {before[what] * 1000:.3g} ms with none; {how}"
        goal = _GOAL if what == "invoice creation" else None
        figures.append(
            Figure(f"{what}, full by empty", after[what] / before[what], "times", times, at_most=goal)
        )
    return figures


@contextlib.contextmanager
def _shop(server: str | None) -> Iterator[Shop]:
    with (
        folder() as data,
        database(server) as url,
        open_shop(write_settings(data, {"evm": NETWORK}, database_url=url)) as shop,
    ):
        open_network(shop)
        yield shop


def _works(shop: Shop) -> dict[str, _Work]:
    """What grows with nothing but what is asked for, or should."""
    client = create_app(gateway=shop.gateway).test_client()
    path = (
        f"/api/invoice/{_ok(client.post('/api/invoice', headers=shop.headers, data=BODY)).get_json()['id']}"
    )

    def post() -> object:
        return _ok(client.post("/api/invoice", headers=shop.headers, data=BODY))

    def get(url: str) -> Callable[[], object]:
        return lambda: _ok(client.get(url, headers=shop.headers))

    def match() -> object:
        page = [f"0x{number:040x}" for number in range(_ON_A_PAGE)]
        with shop.gateway.db.read() as session:
            return ours(session, "evm", page)

    works = {
        "invoice creation": _Work(20, post),
        "invoice read": _Work(20, get(path)),
        "list of the newest": _Work(3, get("/api/invoice?limit=20")),
        f"page of {_ON_A_PAGE:,} addresses matched": _Work(3, match),
        "look for what expires": _Work(10, lambda: expire_due(shop.gateway)),
        "look for events": _Work(10, lambda: drain(shop.gateway, EVENT_HANDLERS)),
        "look for webhooks": _Work(10, lambda: next_due_in(shop.gateway)),
    }
    for _ in range(_WARM_UP):
        post()
    for work in works.values():
        work.run()
    return works


def _in_turns(
    one: Mapping[str, _Work], other: Mapping[str, _Work], turns: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Answer the median seconds of each; the two take turns, so that what else the machine does hits both."""
    seconds: dict[str, tuple[list[float], list[float]]] = {what: ([], []) for what in one}
    for _ in range(turns):
        for what, sides in seconds.items():
            for side, works in zip(sides, (one, other), strict=True):
                began = time.perf_counter()
                for _ in range(works[what].times):
                    works[what].run()
                side.append((time.perf_counter() - began) / works[what].times)
    before, after = ({what: statistics.median(sides[i]) for what, sides in seconds.items()} for i in (0, 1))
    return before, after


def _ok(answer: TestResponse) -> TestResponse:
    if answer.status_code not in range(200, 300):
        raise RuntimeError(answer.text)
    return answer
