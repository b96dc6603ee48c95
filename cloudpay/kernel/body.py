"""Reading a request's body: bounded in size and in time, so that a client that falls silent holds no server thread."""

from typing import ClassVar

from flask import Flask, Request, current_app
from werkzeug.exceptions import RequestEntityTooLarge

from cloudpay.kernel.errors import CloudPayError
from cloudpay.kernel.json_body import MalformedBody
from cloudpay.kernel.late_bodies import LONGEST_SECONDS, watched

_PLACES = "cloudpay.places_for_late_bodies"


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
    app.extensions[_PLACES] = max(1, threads // 2)


def read_body(request: Request) -> bytes:
    """Answer the whole body; raises `BodyTooSlow`, `EncodedBody`, `MalformedBody`, and `RequestEntityTooLarge`."""
    encoding = request.headers.get("Content-Encoding", "")
    if encoding.lower() not in ("", "identity"):
        raise EncodedBody(encoding)
    longest = request.max_content_length
    announced = request.content_length or "Transfer-Encoding" in request.headers
    body = _read_in_time(request) if announced else b""
    # One without a length (sent in chunks) is cut at the limit by werkzeug, and so refused here.
    if request.content_length is None and longest is not None and len(body) >= longest:
        raise RequestEntityTooLarge
    # The server tells neither of a client that hangs up nor of chunks that cannot be read: what came just ends.
    if len(body) < (request.content_length or 0) or (not body and "Transfer-Encoding" in request.headers):
        raise MalformedBody("it ended before all of it had come. Nothing was done; send the request again.")
    return body


def _read_in_time(request: Request) -> bytes:
    stream = request.stream  # refuses a length that is too large
    with watched(request.environ, current_app.extensions[_PLACES]) as reading:
        try:
            return stream.read()
        finally:
            if reading.given_up_at is not None:
                raise BodyTooSlow
