"""Which bodies are given up, and how their clients are hung up on."""

import threading
import time

import pytest

from cloudpay.kernel import late_bodies
from cloudpay.kernel.late_bodies import Reading, end_late, watched

ENVIRON = {"REMOTE_ADDR": "192.0.2.7", "SERVER_PORT": "8000"}
PATIENCE = 10.0


@pytest.fixture
def hung_up(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, float]]:
    """Address, port and the silence asked for, of every call."""
    calls: list[tuple[str, int, float]] = []
    monkeypatch.setattr(late_bodies, "hang_up", lambda *called: calls.append(called))
    return calls


def _since(seconds: float) -> Reading:
    return Reading(ENVIRON, places=2, began=time.monotonic() - seconds)


def test_bodies_that_are_late_wait_in_as_many_places_as_there_are(
    hung_up: list[tuple[str, int, float]],
) -> None:
    """Those that came first keep theirs; who has come just now is not late."""
    first, second, third, fresh = _since(3), _since(2), _since(1), _since(0)
    end_late([third, fresh, first, second])
    ended = [each for each in (first, second, third, fresh) if each.given_up_at is not None]
    assert ended == [third]
    assert [call[:2] for call in hung_up] == [("192.0.2.7", 8000)]


def test_no_body_is_waited_for_longer_than_the_limit(hung_up: list[tuple[str, int, float]]) -> None:
    late = _since(late_bodies.LONGEST_SECONDS + 0.1)
    end_late([late])
    assert late.given_up_at is not None
    assert late.waited() * 0.8 < hung_up[0][2] < late.waited(), "only clients that were silent as long"


def test_a_client_that_goes_on_sending_a_little_is_hung_up_on_too(
    hung_up: list[tuple[str, int, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    late = _since(late_bodies.LONGEST_SECONDS + 1)
    end_late([late])
    end_late([late])
    assert len(hung_up) == 1, "its read has a moment to come back"
    monkeypatch.setattr(late_bodies, "_SOON_SECONDS", 0.0)
    end_late([late])
    assert hung_up[1][2] == 0.0, "however lately something came"


def test_the_watch_finds_a_body_that_is_read_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(late_bodies, "hang_up", lambda *_called: over.set())
    monkeypatch.setattr(late_bodies, "LONGEST_SECONDS", 0.35)
    with watched(ENVIRON, 2) as reading:
        assert over.wait(PATIENCE), "nobody ended the read"
    assert reading.given_up_at is not None


def test_who_stands_behind_a_proxy_is_hung_up_on_as_the_proxy(hung_up: list[tuple[str, int, float]]) -> None:
    """The connection is the proxy's, whatever address it passed on."""
    passed_on = {**ENVIRON, "werkzeug.proxy_fix.orig": {"REMOTE_ADDR": "10.0.0.1"}}
    Reading({**passed_on, "SERVER_PORT": "8000"}, places=1).end()
    assert hung_up[0][0] == "10.0.0.1"
