"""One limit for all of an answer: a socket's own timeout starts anew with each byte, so a node could stretch it."""

import io
import threading
import time
from typing import Any, cast

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Deadline(threading.local):
    """When the answer must be there that this thread waits for."""

    until = float("inf")

    def begin(self, seconds: float) -> None:
        """Give the next answer so many seconds from now."""
        self.until = time.monotonic() + seconds

    def remaining(self) -> float:
        """Answer the seconds that are left; raises `TimeoutError` when none are."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _Stream(io.RawIOBase):
    """What comes in, each wait for it no longer than until the deadline."""

    def __init__(self, sock: Any, deadline: Deadline) -> None:
        self._sock, self._raw, self._deadline = sock, sock.makefile("rb", buffering=0), deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._deadline.remaining())
        return cast("int | None", self._raw.readinto(buffer))

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Socket:
    """A connected socket whose answers end at the deadline, lines and headers included."""

    def __init__(self, sock: Any, deadline: Deadline) -> None:
        self._sock, self._deadline = sock, deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Answer the stream that the HTTP library reads from."""
        return io.BufferedReader(_Stream(self._sock, self._deadline))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class _Http(HTTPConnection):
    def __init__(self, *args: Any, deadline: Deadline, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline = deadline

    def connect(self) -> None:
        super().connect()
        self.sock = cast("Any", _Socket(self.sock, self._deadline))


class _Https(_Http, HTTPSConnection):
    """With TLS, whose handshake has a limit of its own."""


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


_POOLS = {"http": _HttpPool, "https": _HttpsPool}


class InTime(HTTPAdapter):
    """Lets no answer last beyond the deadline."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Open connections of our own kind."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        """Open them through a proxy, too."""
        manager: Any = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Tell them the deadline."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.conn_kw["deadline"] = self._deadline
        return pool
