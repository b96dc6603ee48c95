"""What routes need for `Idempotency-Key`: read the header, and answer what was stored."""

import re
from typing import ClassVar

from flask import Response, request

from cloudpay.kernel.errors import InvalidRequest
from cloudpay.merchants.idempotency import StoredAnswer

_HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class InvalidIdempotencyKey(InvalidRequest):
    """The header is there, but is no key."""

    code: ClassVar[str] = "invalid_idempotency_key"

    def __init__(self) -> None:
        super().__init__(
            f"The header {_HEADER} must be 1 to 255 visible ASCII characters without spaces; a UUID does well."
        )


def idempotency_key() -> str | None:
    """Answer the request's idempotency key, if it has one; raises `InvalidIdempotencyKey`."""
    key = request.headers.get(_HEADER)
    if key is not None and _KEY.fullmatch(key) is None:
        raise InvalidIdempotencyKey
    return key


def respond(answer: StoredAnswer) -> Response:
    """Answer what a use case stored; a repeated answer says so in a header."""
    response = answer_json(answer.body, answer.status)
    if answer.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def answer_json(text: str, status: int = 200) -> Response:
    """Answer what is JSON text already."""
    return Response(text, status, mimetype="application/json")
