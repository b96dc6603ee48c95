"""Connections that go to one checked address, under the endpoint's own name, and end at the deadline."""

import ipaddress
import socket
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter
from requests_hardened import Config, HTTPSession
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from cloudpay.kernel.urls import CallableUrl, may_call
from cloudpay.webhooks.deadline import BoundedSocket, Deadline

_MOST_BYTES = 160 * 1024  # status line, headers and body as they come over the wire


class _Checked(HTTPConnection):
    """Opens a socket to an address that may be called, and to no name at all; every wait ends at the deadline."""

    def __init__(self, *args: Any, deadline: Deadline, allow_private: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline, self._allow_private = deadline, allow_private

    def _new_conn(self) -> socket.socket:
        """Check once more where the socket is opened, so that no way here goes round it."""
        if not may_call(ipaddress.ip_address(self.host), allow_private=self._allow_private):
            raise NewConnectionError(self, f"{self.host} is not a public address.")
        sock = super()._new_conn()
        self._deadline.watch(sock)  # a handshake that follows has this one limit
        return sock

    def connect(self) -> None:
        super().connect()
        self.sock = cast("socket.socket", BoundedSocket(self.sock, self._deadline, _MOST_BYTES))


class _Http(_Checked):
    """Without TLS."""


class _Https(_Checked, HTTPSConnection):
    """With TLS: its handshake lies between the two steps above."""


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _Pinned(HTTPAdapter):
    """Sends to the address in the request's URL, but speaks (Host, SNI, certificate) to the name it was found under."""

    target: CallableUrl
    deadline: Deadline
    allow_private: bool

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host_params, pool_kwargs = super().build_connection_pool_key_attributes(request, verify, cert)
        request.headers["Host"] = self.target.authority
        if self.target.scheme == "https":
            name = self.target.host
            return host_params, {**dict(pool_kwargs), "assert_hostname": name, "server_hostname": name}
        return host_params, pool_kwargs

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.conn_kw |= {"deadline": self.deadline, "allow_private": self.allow_private}
        return pool


class _PinnedAndFiltered(_Pinned, IPFilterAdapter):  # type: ignore[misc]  # the library has no types
    """The library's own filter judges the address once more, so that a gap in either set of rules is not enough."""


def open_session(target: CallableUrl, deadline: Deadline, *, allow_private: bool) -> requests.Session:
    """Open a session for one call: no redirects, no proxies, no credentials from the environment."""
    config = Config(
        ip_filter_enable=not allow_private,
        ip_filter_allow_loopback_ips=False,
        never_redirect=True,
        default_timeout=(deadline.remaining(), deadline.remaining()),
    )
    session: requests.Session = HTTPSession(config)
    session.trust_env = False
    adapter: Any = _Pinned() if allow_private else _PinnedAndFiltered(target.scheme == "https")
    adapter.target, adapter.deadline, adapter.allow_private = target, deadline, allow_private
    session.mount(f"{target.scheme}://", adapter)
    return session
