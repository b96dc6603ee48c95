"""Valkey and the database server go away and come back while invoices are created and paid: nothing is lost."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.kills.matrix import Run, open_run

pytestmark = [pytest.mark.flow, pytest.mark.slow, pytest.mark.timeout(240)]


@contextmanager
def reading(run: Run) -> Iterator[Counter[int]]:
    """Read invoices over and over; yields the status codes of the answers."""
    codes: Counter[int] = Counter()
    stop = threading.Event()

    def read() -> None:
        with requests.Session() as session:
            session.trust_env = False
            while not stop.wait(0.02):
                if run.shoppers.orders:
                    url = f"{run.stack.api}/invoice/{run.shoppers.orders[-1].invoice_id}"
                    codes[session.get(url, headers=run.stack.headers, timeout=30).status_code] += 1

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield codes
    finally:
        stop.set()
        thread.join(40)


def assert_nothing_lost(run: Run) -> None:
    in_time = run.calm_down()
    assert run.verdict().faults == []
    assert in_time
    assert run.shoppers.orders


def test_f111_valkey_flushed_killed_and_away_while_invoices_are_created_and_paid(
    tmp_path: Path, empty_database: str
) -> None:
    with open_run(tmp_path, 3, empty_database, armed=False) as run, reading(run) as codes:
        for _ in range(5):
            run.serve(orders=2)
            run.stack.valkey.flush()
        run.stack.valkey.stop()
        run.serve(orders=6)
        run.stack.valkey.start()
        run.serve(orders=2)
        assert_nothing_lost(run)
    assert run.shoppers.refusals == []
    assert set(codes) == {200}


def test_f113_a_database_server_that_crashes_while_money_comes_in_loses_nothing(
    tmp_path: Path, server_database: str | None, request: pytest.FixtureRequest
) -> None:
    if server_database is None:
        pytest.skip("SQLite has no server that could restart")
    url, restart = request.getfixturevalue("crashing_database")
    with open_run(tmp_path, 4, url, restart_database=restart, armed=False) as run, reading(run) as codes:
        for _ in range(3):
            run.serve(orders=4)
            run.restart_database()
        run.serve(orders=4)
        assert_nothing_lost(run)
    assert {each.partition(" ")[0] for each in run.shoppers.refusals} <= {"503"}
    assert set(codes) <= {200, 503}
    assert codes[503] <= 4, "reads are repeated while the server restarts"
