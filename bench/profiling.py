"""The hottest path of the web process under the profiler: one invoice after the other, without a socket."""

import cProfile
import pstats
import time
from collections.abc import Callable
from pathlib import PurePath

from sqlalchemy import event

from bench.report import Figure, Scale
from bench.servers import folder
from bench.serving import BODY, NETWORK, open_network
from bench.shops import open_shop, write_settings
from cloudpay.app import create_app
from cloudpay.kernel.db import Database

_SHOWN = 15
_WARM_UP = 20
_BATCHES = 10
_CREATED = 201


def creation_profile(scale: Scale) -> list[Figure]:
    """Answer what a creation and a read cost, and which functions a creation's processor time goes through."""
    profile, count = cProfile.Profile(time.process_time), scale.of(300, 50)
    with folder() as data, open_shop(write_settings(data, {"evm": NETWORK})) as shop:
        open_network(shop)
        client = create_app(gateway=shop.gateway).test_client()

        def create() -> str:
            answer = client.post("/api/invoice", headers=shop.headers, data=BODY)
            if answer.status_code != _CREATED:
                raise RuntimeError(answer.text)
            return str(answer.get_json()["id"])

        path = f"/api/invoice/{create()}"

        def read() -> None:
            client.get(path, headers=shop.headers)

        creation, reading = _least(create, count), _least(read, count)
        statements = _statements(shop.gateway.db, create), _statements(shop.gateway.db, read)
        profile.enable()
        for _ in range(count):
            create()
        profile.disable()
    how = f"least of {_BATCHES} batches, {count} invoices, SQLite, Flask's test client"
    return [
        Figure("processor time of one creation", creation * 1000, "ms", how),
        Figure("its statements", statements[0], "", "BEGIN counted, COMMIT not"),
        Figure("processor time of one read", reading * 1000, "ms", how),
        Figure("its statements", statements[1], ""),
        *_top(profile),
    ]


def _least(work: Callable[[], object], count: int) -> float:
    """Seconds of processor time that one of many takes in the best of some batches: what others do adds to it."""
    for _ in range(_WARM_UP):
        work()
    size, least = max(1, count // _BATCHES), float("inf")
    for _ in range(_BATCHES):
        began = time.process_time()
        for _ in range(size):
            work()
        least = min(least, (time.process_time() - began) / size)
    return least


def _statements(db: Database, work: Callable[[], object]) -> int:
    """How many statements the database is asked while `work` is done once."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    engines = (db.engine, db.questions)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    work()
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)
    return len(seen)


def _top(profile: cProfile.Profile) -> list[Figure]:
    """The gateway's own functions and the busiest of the libraries, by their share of the whole."""
    # The stubs do not know this attribute, which the documentation of `pstats` names.
    stats: dict[tuple[str, int, str], tuple[int, int, float, float, object]]
    stats = vars(pstats.Stats(profile))["stats"]
    whole = max(entry[3] for entry in stats.values())
    rows = [
        (entry[3] / whole, key, entry[0])
        for key, entry in stats.items()
        if "/cloudpay" in key[0]
        or "/sqlalchemy/engine/base" in key[0]
        or key[2].startswith("<method 'execute'")
    ]
    return [
        Figure(
            f"  {PurePath(path).parent.name}/{PurePath(path).name} {function}",
            share * 100,
            "%",
            f"{calls} calls",
        )
        for share, (path, _line, function), calls in sorted(rows, reverse=True)[:_SHOWN]
    ]
