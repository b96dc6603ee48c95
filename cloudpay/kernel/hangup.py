"""Ending connections of clients that have fallen silent: a server's read cannot be interrupted, but it can be ended.

Granian waits, with Python's lock in hand, for a read that is under way when its application answers: every other
request of the process would wait with it until that client is gone (seen with 2.8). So an answer may only go out when
nobody reads any more.
"""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_LAST_DATA_RECEIVED = 8 + 4 * 11  # milliseconds; where they stand in Linux' struct tcp_info
_INTERNET = (socket.AF_INET, socket.AF_INET6)


def hang_up(address: str, port: int, silent_seconds: float) -> int:
    """End what clients at this address send to a port of ours, where nothing has come for so long; answers how many.

    What the application answers still reaches them. Which connection a request came by is not told, so that a client's
    others that are as silent are ended, too: idle ones, which any server ends after a while.
    """
    ended = 0
    for sock in _connections(port):
        with sock, suppress(OSError):  # it may be gone at any moment, which is what is wanted
            if _plain(sock.getpeername()[0]) == _plain(address) and _silent_for(sock) >= silent_seconds:
                sock.shutdown(socket.SHUT_RD)
                ended += 1
    return ended


def _connections(port: int) -> Iterator[socket.socket]:
    """Answer this process's connections that came in at a port, each by a descriptor of its own."""
    for entry in tuple(Path("/dev/fd").iterdir()):
        copy = -1
        try:
            copy = os.dup(int(entry.name))
            sock = socket.socket(fileno=copy)
        except OSError:  # no socket, or closed meanwhile
            if copy >= 0:
                os.close(copy)
            continue
        if sock.family in _INTERNET and sock.type == socket.SOCK_STREAM and sock.getsockname()[1] == port:
            yield sock
        else:
            sock.close()


def _silent_for(sock: socket.socket) -> float:
    """Answer for how many seconds nothing has come; where the system does not tell, for ever."""
    if not hasattr(socket, "TCP_INFO"):
        return float("inf")
    told = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_DATA_RECEIVED + 4)
    milliseconds: int = struct.unpack_from("=I", told, _LAST_DATA_RECEIVED)[0]
    return milliseconds / 1000


def _plain(address: str) -> str:
    return address.removeprefix("::ffff:")
