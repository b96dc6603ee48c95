"""A load client in a process of its own: keep-alive connections, one thread each, one request after the other.

    python -m bench.load < PLAN

The plan is JSON: `port`, `headers`, `connections`, `seconds`, `requests` (pairs of method and path) and `body`. It
prints JSON: `count`, `failed`, `seconds`, `asked` (with the warm-up's requests) and the quantiles of the answers' times
in milliseconds.
"""

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONNECTIONS = 16
_WARM_UP_SECONDS = 0.5
_OK = range(200, 300)


@dataclass(frozen=True)
class Result:
    """What a run of the client gave; times in milliseconds."""

    count: int
    failed: int
    asked: int
    seconds: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Successful answers per second."""
        return self.count / self.seconds


def press(
    port: int,
    headers: Mapping[str, str],
    requests: Sequence[tuple[str, str]],
    *,
    seconds: float,
    body: str | None = None,
    connections: int = CONNECTIONS,
) -> Result:
    """Run the client against a port of loopback, and answer what it counted after a short warm-up."""
    plan = {"port": port, "headers": dict(headers), "connections": connections, "seconds": seconds}
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps({**plan, "requests": requests, "body": body}),
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parent.parent,
        timeout=seconds + 30,
    )
    return Result(**json.loads(done.stdout))


class _Client:
    """The threads and what they count."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self._plan = plan
        self._lock = threading.Lock()
        self._times: list[float] = []
        self._failed = 0
        self._asked = 0

    def run(self) -> Result:
        """Press until the time is over."""
        self._counted_from = time.perf_counter() + _WARM_UP_SECONDS
        self._end = self._counted_from + self._plan["seconds"]
        threads = [
            threading.Thread(target=self._one, args=(number,)) for number in range(self._plan["connections"])
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        times = sorted(self._times)
        if not times:
            raise RuntimeError(f"no request succeeded, {self._failed} failed")
        p50, p99 = (times[int(len(times) * share)] * 1000 for share in (0.5, 0.99))
        return Result(len(times), self._failed, self._asked, self._plan["seconds"], p50, p99)

    def _one(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._plan["port"], timeout=30)
        requests, body, headers = self._plan["requests"], self._plan["body"], self._plan["headers"]
        times, failed, asked, turn = [], 0, 0, number
        while (began := time.perf_counter()) < self._end:
            method, path = requests[turn % len(requests)]
            turn += self._plan["connections"]
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
            ended = time.perf_counter()
            asked += 1
            if self._counted_from <= ended < self._end:
                if answer.status in _OK:
                    times.append(ended - began)
                else:
                    failed += 1
        connection.close()
        with self._lock:
            self._times += times
            self._failed += failed
            self._asked += asked


if __name__ == "__main__":
    print(json.dumps(vars(_Client(json.load(sys.stdin)).run())))
