"""How these tests call an endpoint: once, with a resolver that they answer for."""

import socket
from typing import Any

import pytest

from cloudpay.kernel.sections import Webhooks
from cloudpay.webhooks.client import Outcome, WebhookClient

PUBLIC = "93.184.215.14"
HEADERS = {"webhook-id": "evt_1"}


def post(url: str, *, private: bool = False, seconds: int = 1, verify: bool | str = True) -> Outcome:
    settings = Webhooks(allow_private_targets=private, timeout_seconds=seconds)
    return WebhookClient(settings, verify=verify).post(url, HEADERS, b"{}")


class Resolver:
    """Stands in for the system's resolver; answers names in turn, and notes which addresses were connected to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []
        self.connected: list[str] = []
        real = socket.getaddrinfo

        def getaddrinfo(host: str, port: int, family: int = 0, type: int = 0, **_: Any) -> Any:  # noqa: A002
            if host not in self.answers:
                return real(host, port, family, type, flags=socket.AI_NUMERICHOST)
            self.asked.append(host)
            turns = self.answers[host]
            addresses = turns.pop(0) if len(turns) > 1 else turns[0]
            return [info for each in addresses for info in real(each, port, type=socket.SOCK_STREAM)]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        self._monkeypatch = monkeypatch

    def refuse_connections(self) -> None:
        def connect(_sock: socket.socket, address: Any) -> None:
            self.connected.append(address[0])
            raise ConnectionRefusedError

        self._monkeypatch.setattr(socket.socket, "connect", connect)
