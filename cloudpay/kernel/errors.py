"""The one tree of errors: each class knows its code, its HTTP status and its sentence."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

FieldErrors = Mapping[str, Sequence[str]]


class CloudPayError(Exception):
    """An error that a person can act on: a stable `code`, and a sentence that says what to do."""

    code: ClassVar[str] = "internal_error"
    http_status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong on our side"

    def __init__(self, message: str, *, errors: FieldErrors | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.errors: FieldErrors = errors or {}


class ConfigurationError(CloudPayError):
    """The gateway cannot start as it is configured."""

    code = "configuration_error"
    title = "The configuration needs a change"


class InvalidRequest(CloudPayError):
    """What was sent cannot be accepted; `errors` names the fields."""

    code = "invalid_request"
    http_status = 422
    title = "The request is not valid"


class Unauthenticated(CloudPayError):
    """Who is asking could not be established."""

    code = "unauthenticated"
    http_status = 401
    title = "The API key was not accepted"


class Forbidden(CloudPayError):
    """The caller is known and may not do this."""

    code = "forbidden"
    http_status = 403
    title = "This key may not do that"


class NotFound(CloudPayError):
    """There is no such thing, or it belongs to another merchant."""

    code = "not_found"
    http_status = 404
    title = "Not found"


class Conflict(CloudPayError):
    """The request contradicts what is already there."""

    code = "conflict"
    http_status = 409
    title = "The request contradicts an earlier one"


class Unavailable(CloudPayError):
    """Something that this needs is not to be had at the moment."""

    code = "unavailable"
    http_status = 503
    title = "Not available at the moment"
    retry_seconds: ClassVar[int] = 30
    """After how long it is worth asking again."""
