"""One limit for all of a call: a socket's own timeout starts anew with each byte, so a slow sender could stretch it."""

import io
import socket
import time
from contextlib import suppress
from typing import Any


class Deadline:
    """A point in time after which nothing more is waited for; another thread may bring it forward to now."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._sock: socket.socket | None = None
        self.was_cut = False

    def remaining(self) -> float:
        """Answer the seconds that are left; raises `TimeoutError` when none are."""
        left = self._end - time.monotonic()
        if left <= 0 or self.was_cut:
            raise TimeoutError
        return left

    def watch(self, sock: socket.socket) -> None:
        """Wait on this socket from now on, no longer than until the deadline."""
        self._sock = sock
        sock.settimeout(self.remaining())

    def cut(self) -> None:
        """End it now, also for a thread that waits on the socket at this moment."""
        self.was_cut = True
        sock = self._sock
        if sock is not None:
            with suppress(OSError):  # it was closed meanwhile, which is what is wanted
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


class AnswerTooLarge(OSError):
    """More bytes came than any answer may have."""


class BoundedSocket:
    """A connected socket whose every wait ends at the deadline, and which yields only so many bytes."""

    def __init__(self, sock: socket.socket, deadline: Deadline, most_bytes: int) -> None:
        self._sock, self._deadline, self._most_bytes = sock, deadline, most_bytes
        deadline.watch(sock)

    def sendall(self, data: Any) -> None:
        """Send all of it before the deadline."""
        self._sock.settimeout(self._deadline.remaining())
        self._sock.sendall(data)

    def settimeout(self, _seconds: float | None) -> None:
        """Keep to the deadline, whatever the HTTP library would rather have."""

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Answer the stream that the HTTP library reads from."""
        raw = self._sock.makefile("rb", buffering=0)
        return io.BufferedReader(_BoundedStream(raw, self._sock, self._deadline, self._most_bytes))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class _BoundedStream(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: Deadline, most_bytes: int) -> None:
        self._raw, self._sock, self._deadline, self._left = raw, sock, deadline, most_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._left <= 0:
            raise AnswerTooLarge("the answer is too large")
        self._sock.settimeout(self._deadline.remaining())
        count = self._raw.readinto(memoryview(buffer)[: self._left])
        self._left -= count or 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()
