"""Reading a request's body: bounded in size and in time, so that a client that falls silent holds no server thread."""

import os
import queue
import threading
import time
from contextlib import suppress
from typing import IO, ClassVar, TypeAlias

from flask import Flask, Request, current_app
from werkzeug.exceptions import RequestEntityTooLarge

from cloudpay.kernel.errors import CloudPayError
from cloudpay.kernel.hangup import hang_up
from cloudpay.kernel.json_body import MalformedBody

_Answers: TypeAlias = "queue.SimpleQueue[bytes | Exception]"

LONGEST_SECONDS = 10.0  # programs send theirs at once; a proxy in front has it whole before it calls
_SOON_SECONDS = 0.3  # what is not there by then is waited for by a few threads at most
_WAITING = "cloudpay.waiting_for_bodies"
_MOST_IDLE = 16


class BodyTooSlow(CloudPayError):
    """The body did not arrive in time."""

    code: ClassVar[str] = "body_too_slow"
    http_status: ClassVar[int] = 408
    title: ClassVar[str] = "The body did not arrive"

    def __init__(self) -> None:
        super().__init__(
            f"The body did not arrive within {LONGEST_SECONDS:g} seconds, or within less while others were late, too. "
            "Nothing was done; send the request again."
        )


class EncodedBody(CloudPayError):
    """The body is packed: a small one could unfold to any size."""

    code: ClassVar[str] = "unsupported_media_type"
    http_status: ClassVar[int] = 415
    title: ClassVar[str] = "The body is compressed"

    def __init__(self, encoding: str) -> None:
        super().__init__(f"The body is sent with Content-Encoding {encoding[:40]!r}. Send it as it is.")


def limit_waiting(app: Flask, threads: int) -> None:
    """Let at most half of a server's threads wait for bodies that do not come."""
    app.extensions[_WAITING] = threading.Semaphore(max(1, threads // 2))


def read_body(request: Request) -> bytes:
    """Answer the whole body; raises `BodyTooSlow`, `EncodedBody`, `MalformedBody`, and `RequestEntityTooLarge`."""
    encoding = request.headers.get("Content-Encoding", "")
    if encoding.lower() not in ("", "identity"):
        raise EncodedBody(encoding)
    stream, longest = request.stream, request.max_content_length  # both belong to this thread's request
    announced = request.content_length or "Transfer-Encoding" in request.headers
    body = _read_in_time(request, stream) if announced else stream.read()
    # One without a length (sent in chunks) is cut at the limit by werkzeug, and so refused here.
    if request.content_length is None and longest is not None and len(body) >= longest:
        raise RequestEntityTooLarge
    # The server tells neither of a client that hangs up nor of chunks that cannot be read: what came just ends.
    if len(body) < (request.content_length or 0) or (not body and "Transfer-Encoding" in request.headers):
        raise MalformedBody("it ended before all of it had come. Nothing was done; send the request again.")
    return body


class _Reader(threading.Thread):
    """Reads one body after the other, in a thread of its own, since nothing can interrupt the server's read.

    One whose client fell silent comes back when the connection ends; nobody waits for it, and another takes its place.
    """

    def __init__(self) -> None:
        super().__init__(name="request body", daemon=True)
        self.bodies: queue.SimpleQueue[tuple[IO[bytes], _Answers]] = queue.SimpleQueue()
        self.start()

    def run(self) -> None:
        """Read until there are more readers than are needed."""
        going_on = True
        while going_on:
            stream, answers = self.bodies.get()
            answer: bytes | Exception
            try:
                answer = stream.read()
            except Exception as error:  # noqa: BLE001  # raised again by the one who waits
                answer = error
            going_on = len(_idle) < _MOST_IDLE
            if going_on:
                _idle.append(self)
            answers.put(answer)
            del stream, answers, answer  # an idle reader keeps nobody's body


_idle: list[_Reader] = []
os.register_at_fork(after_in_child=_idle.clear)  # threads stay with the parent


def _read_in_time(request: Request, stream: IO[bytes]) -> bytes:
    try:
        reader = _idle.pop()
    except IndexError:
        reader = _Reader()
    answers: _Answers = queue.SimpleQueue()
    reader.bodies.put((stream, answers))
    began = time.monotonic()
    try:
        answer = _wait(answers)
    except queue.Empty:
        _end_reading(request, answers, time.monotonic() - began)
        raise BodyTooSlow from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _wait(answers: _Answers) -> bytes | Exception:
    """Wait a moment, and then longer if not too many wait so already: the server's other threads stay free."""
    with suppress(queue.Empty):
        return answers.get(timeout=min(_SOON_SECONDS, LONGEST_SECONDS))
    places: threading.Semaphore = current_app.extensions[_WAITING]
    if not places.acquire(blocking=False):
        raise queue.Empty
    try:
        return answers.get(timeout=LONGEST_SECONDS)
    finally:
        places.release()


def _end_reading(request: Request, answers: _Answers, waited: float) -> None:
    """Have the reader come back before the request is answered: first from a silent client, then from a slow one."""
    before_proxies: dict[str, str] = request.environ.get("werkzeug.proxy_fix.orig", request.environ)
    address, port = before_proxies.get("REMOTE_ADDR", ""), int(request.environ.get("SERVER_PORT", 0))
    for silent_seconds in (waited * 0.9, 0.0):
        hang_up(address, port, silent_seconds)
        with suppress(queue.Empty):
            answers.get(timeout=_SOON_SECONDS)
            return
