"""Bytes on a socket, as no well-behaved client would send them."""

import socket
import time
from dataclasses import dataclass

from tests.api.house import House


@dataclass
class Reply:
    """What came back on one connection; `status` is the first answer's, 0 when the server only hung up."""

    raw: bytes
    seconds: float

    @property
    def statuses(self) -> list[int]:
        """The statuses of all answers, in turn."""
        lines = [line for line in self.raw.split(b"\r\n") if line.startswith((b"HTTP/1.1 ", b"HTTP/1.0 "))]
        return [int(line.split(b" ")[1]) for line in lines]

    @property
    def status(self) -> int:
        """The first one."""
        return next(iter(self.statuses), 0)


@dataclass
class Wire:
    """Talks to a house over one connection at a time."""

    house: House
    patience: float = 20.0

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        """Open a connection, which the caller closes; from another address of loopback where the system has it."""
        return socket.create_connection(("127.0.0.1", self.house.port), self.patience, (source, 0))

    def send(self, data: bytes, *, end: bool = False) -> Reply:
        """Send bytes and read until the server closes, or answers and falls silent."""
        began = time.monotonic()
        with self.connect() as sock:
            try:
                sock.sendall(data)
                if end:
                    sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it answered and closed before all was sent
            return Reply(read_all(sock), time.monotonic() - began)


def request(method: str, target: str, *headers: str, body: bytes = b"", version: str = "1.1") -> bytes:
    """Write one request; it asks for the connection to be closed."""
    lines = [f"{method} {target} HTTP/{version}", "Host: gateway.example", "Connection: close", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def read_all(sock: socket.socket) -> bytes:
    """Read until the server closes, or falls silent."""
    found = b""
    while True:
        try:
            part = sock.recv(65536)
        except (TimeoutError, ConnectionResetError):
            return found
        if not part:
            return found
        found += part
