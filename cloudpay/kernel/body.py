"""Reading a request's body: bounded in size and in time, so that a client that falls silent holds no server thread."""

import os
import queue
import threading
from typing import IO, ClassVar

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from cloudpay.kernel.errors import CloudPayError

LONGEST_SECONDS = 10.0  # programs send theirs at once; a proxy in front has it whole before it calls
_MOST_IDLE = 16


class BodyTooSlow(CloudPayError):
    """The body did not arrive in time."""

    code: ClassVar[str] = "body_too_slow"
    http_status: ClassVar[int] = 408
    title: ClassVar[str] = "The body did not arrive"

    def __init__(self) -> None:
        super().__init__(
            f"The body did not arrive within {LONGEST_SECONDS:g} seconds. Nothing was done; send the request again."
        )


def read_body(request: Request) -> bytes:
    """Answer the whole body; raises `BodyTooSlow` and werkzeug's `RequestEntityTooLarge`."""
    stream, longest = request.stream, request.max_content_length  # both belong to this thread's request
    announced = request.content_length or "Transfer-Encoding" in request.headers
    body = _read_in_time(stream) if announced else stream.read()
    # One without a length (sent in chunks) is cut at the limit by werkzeug, and so refused here.
    if request.content_length is None and longest is not None and len(body) >= longest:
        raise RequestEntityTooLarge
    return body


class _Reader(threading.Thread):
    """Reads one body after the other, in a thread of its own, since nothing can interrupt the server's read.

    One whose client fell silent comes back when the connection ends; nobody waits for it, and another takes its place.
    """

    def __init__(self) -> None:
        super().__init__(name="request body", daemon=True)
        self.bodies: queue.SimpleQueue[tuple[IO[bytes], queue.SimpleQueue[bytes | Exception]]] = (
            queue.SimpleQueue()
        )
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


def _read_in_time(stream: IO[bytes]) -> bytes:
    try:
        reader = _idle.pop()
    except IndexError:
        reader = _Reader()
    answers: queue.SimpleQueue[bytes | Exception] = queue.SimpleQueue()
    reader.bodies.put((stream, answers))
    try:
        answer = answers.get(timeout=LONGEST_SECONDS)
    except queue.Empty:
        raise BodyTooSlow from None
    if isinstance(answer, Exception):
        raise answer
    return answer
