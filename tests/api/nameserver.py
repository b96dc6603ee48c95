"""A real name server on loopback, and a stub resolver that asks it over UDP in place of the system's.

The system's own resolver can only be pointed at port 53 of what /etc/resolv.conf names, which is the machine's and not
a test's to change; so the seam is `socket.getaddrinfo`, and everything behind it is packets.
"""

import ipaddress
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

_A, _AAAA = 1, 28
_FLAGS = 0x8180  # a response, recursion available, no error
_NO_NAME = 0x8183


@dataclass
class NameServer:
    """Answers each name with its turns: the first question gets the first list of addresses, the last one stays."""

    turns: dict[str, list[list[str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def answer(self, query: bytes) -> bytes:
        """Answer one packet; a turn is used up by the question for A, which the stub asks first."""
        name, end = _read_name(query, 12)
        kind = struct.unpack("!H", query[end : end + 2])[0]
        question = query[12 : end + 4]
        if name not in self.turns:
            return query[:2] + struct.pack("!HHHHH", _NO_NAME, 1, 0, 0, 0) + question
        turns = self.turns[name]
        if kind == _A:
            self.asked.append(name)
            addresses = turns[min(self.asked.count(name), len(turns)) - 1]
        else:
            addresses = turns[min(max(self.asked.count(name), 1), len(turns)) - 1]
        version = 4 if kind == _A else 6
        packed = [ipaddress.ip_address(each) for each in addresses]
        found = [each.packed for each in packed if each.version == version]
        records = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(each)) + each for each in found)
        return query[:2] + struct.pack("!HHHHH", _FLAGS, 1, len(found), 0, 0) + question + records


def _read_name(packet: bytes, at: int) -> tuple[str, int]:
    labels = []
    while length := packet[at]:
        labels.append(packet[at + 1 : at + 1 + length].decode())
        at += length + 1
    return ".".join(labels).lower(), at + 1


@contextmanager
def name_server() -> Iterator[NameServer]:
    """Run a name server until the end of the block."""
    server = NameServer()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        server.port = sock.getsockname()[1]
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                query, client = sock.recvfrom(4096)
                if query:
                    sock.sendto(server.answer(query), client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            stop.set()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", ("127.0.0.1", server.port))
            thread.join(5)


def resolve_by(server: NameServer, host: str, port: int, real: Any) -> list[Any]:
    """Stand in for `socket.getaddrinfo`: names are asked of the server, every time anew; literals are as they are."""
    try:
        return list(real(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    except OSError:
        addresses = [each for kind in (_A, _AAAA) for each in _ask(server, host, kind)]
    if not addresses:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return [info for each in addresses for info in real(each, port, type=socket.SOCK_STREAM)]


def _ask(server: NameServer, host: str, kind: int) -> list[str]:
    labels = b"".join(bytes([len(each)]) + each.encode() for each in host.rstrip(".").split("."))
    query = (
        b"\x12\x34" + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, 1)
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.sendto(query, ("127.0.0.1", server.port))
        answer = sock.recv(4096)
    count = struct.unpack("!H", answer[6:8])[0]
    at, found = len(query), []
    for _ in range(count):
        length = struct.unpack("!H", answer[at + 10 : at + 12])[0]
        found.append(str(ipaddress.ip_address(answer[at + 12 : at + 12 + length])))
        at += 12 + length
    return found
