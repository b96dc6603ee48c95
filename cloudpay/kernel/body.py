"""Reading a request's body: bounded in size and in time, so that a client that falls silent holds no server thread."""

import queue
import threading
from typing import IO, ClassVar

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from cloudpay.kernel.errors import CloudPayError

LONGEST_SECONDS = 10.0  # programs send theirs at once; a proxy in front has it whole before it calls


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


def _read_in_time(stream: IO[bytes]) -> bytes:
    """Read in a thread of its own: nothing can interrupt the server's read, which waits as long as the client does.

    Such a thread ends with its connection; what it still reads is lost, and nobody waits for it.
    """
    answers: queue.SimpleQueue[bytes | Exception] = queue.SimpleQueue()

    def read() -> None:
        try:
            answers.put(stream.read())
        except Exception as error:  # noqa: BLE001  # raised again by the one who waits
            answers.put(error)

    threading.Thread(target=read, name="request body", daemon=True).start()
    try:
        answer = answers.get(timeout=LONGEST_SECONDS)
    except queue.Empty:
        raise BodyTooSlow from None
    if isinstance(answer, Exception):
        raise answer
    return answer
