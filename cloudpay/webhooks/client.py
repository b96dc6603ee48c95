"""Call an endpoint once: pinned against SSRF, bounded in time and size, redirects not followed."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus

import requests
import urllib3
from urllib3.exceptions import NewConnectionError

from cloudpay.kernel.db import refuse_inside_transaction
from cloudpay.kernel.errors import InvalidRequest
from cloudpay.kernel.sections import Webhooks
from cloudpay.kernel.text import shown
from cloudpay.kernel.urls import CallableUrl, bracketed, check_public_url
from cloudpay.webhooks import resolve
from cloudpay.webhooks.deadline import AnswerTooLarge, Deadline
from cloudpay.webhooks.states import DeliveryStatus
from cloudpay.webhooks.transport import open_session

MOST_ANSWER_BYTES = 64 * 1024
_KEPT_CHARACTERS = 500
_SUCCESS, _REDIRECTION = 2, 3  # the first digit of a status code (RFC 9110, section 15)
_CONNECT_SECONDS = 5.0  # for one address of several; the whole call has its own limit


@dataclass(frozen=True)
class Outcome:
    """What one call came to; `status` says what that means for the delivery (failed: perhaps again later)."""

    status: DeliveryStatus
    status_code: int | None = None
    error: str | None = None
    answer: str = ""
    retry_after: str | None = None
    duration_ms: int = 0
    cut_off: bool = False


class WebhookClient:
    """Posts signed bodies to merchants' endpoints. `verify` may name a CA bundle for certificates."""

    def __init__(self, settings: Webhooks, *, verify: bool | str = True) -> None:
        self._settings, self._verify = settings, verify
        self._under_way: set[Deadline] = set()
        self._lock = threading.Lock()

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Call once; a failure of the other side is an outcome, never an exception."""
        refuse_inside_transaction("a webhook call")
        started = time.monotonic()
        deadline = Deadline(self._settings.timeout_seconds)
        with self._lock:
            self._under_way.add(deadline)
        try:
            outcome = self._post(url, headers, body, deadline)
        finally:
            with self._lock:
                self._under_way.remove(deadline)
        return replace(outcome, duration_ms=int((time.monotonic() - started) * 1000))

    def hang_up(self) -> None:
        """Cut off every call that is under way, because this process has to stop."""
        with self._lock:
            for deadline in self._under_way:
                deadline.cut()

    def _post(self, url: str, headers: Mapping[str, str], body: bytes, deadline: Deadline) -> Outcome:
        allow_private = self._settings.allow_private_targets
        try:
            target = check_public_url(url, allow_private=allow_private)
            found = resolve.addresses(target, deadline, allow_private=allow_private)
            with open_session(target, deadline, allow_private=allow_private) as session:
                return self._try_addresses(session, target, found, deadline, headers, body)
        except InvalidRequest as error:
            return Outcome(DeliveryStatus.BLOCKED, error=error.message)
        except resolve.UnresolvedTarget as error:
            return Outcome(DeliveryStatus.FAILED, error=error.message)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            return Outcome(
                DeliveryStatus.FAILED, error=self._sentence(error, deadline), cut_off=deadline.was_cut
            )

    def _try_addresses(
        self,
        session: requests.Session,
        target: CallableUrl,
        found: tuple[str, ...],
        deadline: Deadline,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Outcome:
        """Send to the first address that takes the connection; once anything was sent there is no second try."""
        for address in found[:-1]:
            try:
                return self._send(session, target, address, deadline, headers, body, _CONNECT_SECONDS)
            except requests.ConnectionError as error:
                if not _never_connected(error):
                    raise
        return self._send(session, target, found[-1], deadline, headers, body, deadline.remaining())

    def _send(
        self,
        session: requests.Session,
        target: CallableUrl,
        address: str,
        deadline: Deadline,
        headers: Mapping[str, str],
        body: bytes,
        connect_seconds: float,
    ) -> Outcome:
        left = deadline.remaining()
        response = session.post(
            f"{target.scheme}://{bracketed(address)}:{target.port}{target.path}",
            data=body,
            headers={
                "Content-Type": "application/json",
                "User-Agent": "CloudPay-Webhooks/1",
                "Accept": "*/*",
                "Accept-Encoding": "identity",
                "Connection": "close",
                **headers,
            },
            timeout=(min(connect_seconds, left), left),
            allow_redirects=False,
            stream=True,
            verify=self._verify,
        )
        with response:
            answer = response.raw.read(MOST_ANSWER_BYTES, decode_content=False)
        return _judge(response, answer)

    def _sentence(self, error: Exception, deadline: Deadline) -> str:
        try:
            deadline.remaining()
        except TimeoutError:
            return f"The endpoint did not finish answering within {self._settings.timeout_seconds} seconds."
        return _describe(error)


def _judge(response: requests.Response, answer: bytes) -> Outcome:
    code = response.status_code
    kind = code // 100
    kept = _printable(answer)
    if kind == _SUCCESS:
        return Outcome(DeliveryStatus.SUCCEEDED, code, None, kept)
    if code == HTTPStatus.GONE:
        return Outcome(DeliveryStatus.GONE, code, "The endpoint answered 410: it is gone for good.", kept)
    retry_after = response.headers.get("Retry-After")
    moved = " Redirects are not followed; set the final address." if kind == _REDIRECTION else ""
    error = f"The endpoint answered {code} instead of 2xx.{moved}"
    return Outcome(DeliveryStatus.FAILED, code, error, kept, retry_after)


def _printable(answer: bytes) -> str:
    text = answer[: 4 * _KEPT_CHARACTERS].decode("utf-8", errors="replace")
    return shown(text)[:_KEPT_CHARACTERS]


def _never_connected(error: requests.ConnectionError) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError)


def _describe(error: Exception) -> str:
    """A sentence for the merchant, without the library's inner names."""
    causes: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in causes:
        causes.append(current)
        current = current.__cause__ or current.__context__
    if any(isinstance(each, AnswerTooLarge) for each in causes):
        return "The endpoint's answer is too large."
    if isinstance(error, requests.exceptions.SSLError):
        return f"The endpoint's TLS certificate or handshake was not accepted: {_printable(str(causes[-1]).encode())}."
    if isinstance(error, requests.ConnectionError) and _never_connected(error):
        return "No connection to the endpoint could be made."
    if isinstance(error, requests.Timeout | TimeoutError):
        return "The endpoint took too long to accept the connection or to answer."
    return "The endpoint closed the connection or did not answer in HTTP."
