"""A load client in a process of its own: keep-alive connections, on each one request after the other, one thread.

    python -m bench.load < PLAN

The plan is JSON: `port`, `headers`, `connections`, `seconds`, `requests` (pairs of method and path) and `body`. All
requests are made before the first is sent, and of an answer only its status and length are read, so that the client
takes little of the processor that it shares with the server. It prints the fields of `Result` as JSON.
"""

import json
import select
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CONNECTIONS = 16
_WARM_UP_SECONDS = 0.5
_GIVE_UP_SECONDS = 30.0
_OK = b"2"


@dataclass(frozen=True)
class Result:
    """What a run of the client gave: answers counted, all that were asked with the warm-up, times in milliseconds.

    `cpu` is the client's own seconds of processor time.
    """

    count: int
    failed: int
    asked: int
    seconds: float
    p50: float
    p99: float
    cpu: float

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
        timeout=seconds + 2 * _GIVE_UP_SECONDS,
    )
    return Result(**json.loads(done.stdout))


@dataclass
class _Connection:
    """One socket, the request that it sends next, and what has come of the answer to the last."""

    socket: socket.socket
    turn: int
    began: float = 0.0
    received: bytes = b""


@dataclass
class _Tally:
    """What was counted."""

    times: list[float] = field(default_factory=list)
    failed: int = 0
    asked: int = 0


def run(plan: Mapping[str, Any]) -> Result:
    """Press until the time is over."""
    requests = [_request(plan, method, path) for method, path in plan["requests"]]
    poll, connections, tally = select.epoll(), {}, _Tally()
    counted_from = time.perf_counter() + _WARM_UP_SECONDS
    end = counted_from + plan["seconds"]

    def send(connection: _Connection) -> None:
        connection.began = time.perf_counter()
        connection.socket.sendall(requests[connection.turn % len(requests)])
        connection.turn += plan["connections"]

    for number in range(plan["connections"]):
        opened = _Connection(socket.create_connection(("127.0.0.1", plan["port"])), number)
        opened.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connections[opened.socket.fileno()] = opened
        poll.register(opened.socket, select.EPOLLIN)
        send(opened)
    while connections:
        ready = poll.poll(_GIVE_UP_SECONDS)
        if not ready:
            raise RuntimeError(f"{len(connections)} requests got no answer in {_GIVE_UP_SECONDS} seconds")
        for number, _event in ready:
            connection = connections[number]
            status = _receive(connection)
            if status is None:
                continue
            now = time.perf_counter()
            tally.asked += 1
            if counted_from <= now < end:
                if status == _OK:
                    tally.times.append(now - connection.began)
                else:
                    tally.failed += 1
            if now < end:
                send(connection)
            else:
                connections.pop(number).socket.close()
    return _result(tally, plan["seconds"])


def _receive(connection: _Connection) -> bytes | None:
    """Take what has come; answer the status' first digit when the answer is whole."""
    chunk = connection.socket.recv(65_536)
    if not chunk:
        raise RuntimeError("the server closed a connection")
    received = connection.received + chunk
    head = received.find(b"\r\n\r\n")
    if head >= 0:
        place = received.lower().find(b"\r\ncontent-length:", 0, head)
        length = int(received[place + 17 : received.find(b"\r\n", place + 17)])
        if len(received) >= head + 4 + length:
            connection.received = b""
            return received[9:10]
    connection.received = received
    return None


def _request(plan: Mapping[str, Any], method: str, path: str) -> bytes:
    body = (plan["body"] or "").encode()
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{plan['port']}"]
    lines += [f"{name}: {value}" for name, value in plan["headers"].items()]
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _result(tally: _Tally, seconds: float) -> Result:
    times = sorted(tally.times)
    if not times:
        raise RuntimeError(f"no request succeeded, {tally.failed} failed")
    p50, p99 = (times[int(len(times) * share)] * 1000 for share in (0.5, 0.99))
    return Result(len(times), tally.failed, tally.asked, seconds, p50, p99, time.process_time())


if __name__ == "__main__":
    print(json.dumps(vars(run(json.load(sys.stdin)))))
