"""One node over HTTP: a kept-alive connection, and every way of answering badly turned into `NodeFault`."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import requests
import urllib3
from requests.utils import get_environ_proxies

from cloudpay.chains.nodes.deadline import Deadline, InTime
from cloudpay.chains.nodes.faults import AskedTooOften, NodeFault, RequestTooLarge
from cloudpay.chains.nodes.veil import Veil
from cloudpay.kernel.db import refuse_inside_transaction
from cloudpay.kernel.retry_after import parse_retry_after

_MAX_BYTES = 256 * 1024 * 1024  # far above any block with its traces
_PIECE = 65_536
_LIMITED = (requests.codes.too_many_requests, requests.codes.service_unavailable)


class _Session(requests.Session):
    """Looks at no redirect: even where none is followed, the library would take it apart, and read its whole body."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Answer that there is none."""
        return None


class HttpNode:
    """Speaks to one node. `name` is without the path, which may hold an API key; `calls` counts what was asked.

    `secrets` go along in headers; no more than the address's are they shown.
    """

    def __init__(
        self, url: str, name: str, *, timeout: float, headers: Mapping[str, str], secrets: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.veil = Veil(url, secrets)
        self.calls = 0
        self.latency: float | None = None
        """Seconds that a request takes, as a running mean."""
        self._timeout = timeout
        self._deadline = Deadline()
        self._session = _Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, InTime(self._deadline))
        self._session.proxies = get_environ_proxies(url)
        self._session.trust_env = (
            False  # read once, above: a look at environment and .netrc per call costs more than the call
        )
        self._session.headers.update({"Content-Type": "application/json", **headers})

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def post(self, url: str, body: str, calls: int) -> bytes:
        """Send one request, and answer what came of it where that may be JSON: the only place that reaches out."""
        refuse_inside_transaction("RPC")
        self.calls += calls
        began = time.monotonic()
        self._deadline.begin(self._timeout)
        # The causes are cut off: their texts quote the address, and with it perhaps an API key.
        try:
            with self._session.post(
                url, data=body, timeout=self._timeout, stream=True, allow_redirects=False
            ) as response:
                content = _content(response)
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            raise NodeFault(f"it did not answer within {self._timeout:g} s") from None
        except (requests.ConnectionError, urllib3.exceptions.HTTPError):
            raise NodeFault("it cannot be reached, or broke off") from None
        except (requests.RequestException, OSError) as error:
            raise NodeFault(f"the request failed ({type(error).__name__})") from None
        self._took(time.monotonic() - began)
        if response.status_code in _LIMITED:
            wish = parse_retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
            seconds = None if wish is None else wish.total_seconds()
            raise AskedTooOften(f"HTTP {response.status_code}", seconds)
        if response.status_code == requests.codes.request_entity_too_large:
            raise RequestTooLarge(f"HTTP {response.status_code}")
        if response.status_code != requests.codes.ok and not self.reads_as_error(content):
            raise NodeFault(f"HTTP {response.status_code}")
        return content

    def reads_as_error(self, content: bytes) -> bool:
        """Say whether an answer with an error status may be read: where it may be JSON, that says what is wrong."""
        return content.lstrip()[:1] in (b"{", b"[")

    def _took(self, seconds: float) -> None:
        self.latency = seconds if self.latency is None else self.latency + (seconds - self.latency) / 8


def _content(response: requests.Response) -> bytes:
    """Read an answer piece by piece, so that an endless one does not fill the memory."""
    pieces: list[bytes] = []
    size = 0
    while piece := response.raw.read1(_PIECE, decode_content=True):
        pieces.append(piece)
        size += len(piece)
        if size > _MAX_BYTES:
            raise NodeFault(f"its answer is longer than {_MAX_BYTES} bytes")
    return b"".join(pieces)
