"""Errors as problem details (RFC 9457): one shape for every status, with a stable code and a sentence."""

import errno
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Flask, Response, g, json, request
from sqlalchemy.exc import DBAPIError, OperationalError
from werkzeug.exceptions import HTTPException, default_exceptions
from werkzeug.wrappers import Response as BaseResponse

from cloudpay.kernel.errors import CloudPayError, FieldErrors, Unauthenticated, Unavailable
from cloudpay.kernel.log import get_logger
from cloudpay.merchants.limits import RateLimited

MIMETYPE = "application/problem+json"
_RETRY_SECONDS = Unavailable.retry_seconds
_SERVER_ERROR = 500
_FULL = ("disk is full", "No space left on device")  # as SQLite and PostgreSQL say it

HTTP_PROBLEMS: Mapping[int, tuple[str, str]] = {
    400: ("bad_request", "The request could not be read. Check how it is written."),
    404: ("route_not_found", "There is no such address here. Check the path; /api/docs lists what there is."),
    405: (
        "method_not_allowed",
        "This address does not take that method. The header Allow names those it takes.",
    ),
    413: ("body_too_large", "The body is too large. Send a smaller one."),
    414: ("address_too_long", "The address is too long. Send a shorter one."),
    415: ("unsupported_media_type", "The body has a type that is not read here. Send JSON."),
    422: ("invalid_request", "The request is not valid."),
    429: ("rate_limited", "There were too many requests. Wait for the seconds in the header Retry-After."),
}
"""By HTTP status, the code and the sentence of what the web framework itself refuses."""

_TIME = "Write a time with its zone, such as 2026-01-31T12:00:00Z."
_SENTENCES = {
    "Unknown field.": "This field is not known here. Leave it out.",
    "Missing data for required field.": "This field is required. Send it.",
    "Field may not be null.": "This field may not be null. Fill it, or leave it out.",
    "Not a valid string.": "Write a text in quotes.",
    "Not a valid integer.": "Write a whole number.",
    "Not a valid boolean.": "Write true or false.",
    "Not a valid datetime.": _TIME,
    "Not a valid aware datetime.": _TIME,
    "Invalid input type.": "Send a JSON object.",
}

_log = get_logger(__name__)


def register_handlers(app: Flask) -> None:
    """Have every error of this application answered as a problem."""
    app.register_error_handler(CloudPayError, _own)
    app.register_error_handler(RateLimited, _limited)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(DBAPIError, _database)
    app.register_error_handler(OSError, _system)
    app.register_error_handler(Exception, _unexpected)


def problem(status: int, code: str, title: str, detail: str, errors: FieldErrors | None = None) -> Response:
    """Answer a problem."""
    body: dict[str, Any] = {
        "type": f"urn:cloudpay:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "errors": {name: list(sentences) for name, sentences in (errors or {}).items()},
        "instance": request.path[:200],
        "request_id": g.get("request_id", ""),
    }
    return Response(json.dumps(body), status, mimetype=MIMETYPE)


def _own(error: CloudPayError) -> Response:
    if error.http_status == _SERVER_ERROR:  # the sentence is for the operator, and may name files and hosts
        return _unexpected(error)
    response = problem(error.http_status, error.code, error.title, error.message, error.errors)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = 'ApiKey realm="cloudpay"'
    if isinstance(error, Unavailable):
        response.headers["Retry-After"] = str(error.retry_seconds)
    return response


def _limited(error: RateLimited) -> BaseResponse:
    response = _http(error)
    response.headers["Retry-After"] = str(error.seconds)
    return response


def _http(error: HTTPException) -> BaseResponse:
    status = error.code or _SERVER_ERROR
    if status < 400 or error.response is not None:  # noqa: PLR2004  # a redirect is an answer, and no error
        return error.get_response(request.environ)
    code, sentence = HTTP_PROBLEMS.get(status, (f"http_{status}", "The request was refused."))
    data: Mapping[str, Any] = getattr(error, "data", None) or {}
    errors = dict(_by_field(data.get("messages") or {}))
    detail = _summary(errors) if errors else sentence
    response = problem(status, code, default_exceptions[status]().name, detail, errors)
    for name, value in error.get_headers(request.environ):
        if name.lower() == "allow":
            response.headers[name] = value
    return response


def _database(error: DBAPIError) -> Response:
    if not isinstance(error, OperationalError) and not error.connection_invalidated:
        return _unexpected(error)
    if any(sign in str(error.orig) for sign in _FULL):
        return _full(error)
    _log.error("database_unavailable", error=str(error.orig))
    response = problem(
        503,
        "database_unavailable",
        Unavailable.title,
        "The database did not answer in time. Nothing was changed; send the request again.",
    )
    response.headers["Retry-After"] = str(_RETRY_SECONDS)
    return response


def _full(error: Exception) -> Response:
    _log.error("storage_full", error=str(error))
    response = problem(
        503,
        "storage_full",
        Unavailable.title,
        "The gateway has no room left to store anything. Nothing was changed; send the request again later.",
    )
    response.headers["Retry-After"] = str(_RETRY_SECONDS)
    return response


def _system(error: OSError) -> Response:
    return _full(error) if error.errno in (errno.ENOSPC, errno.EDQUOT) else _unexpected(error)


def _unexpected(error: Exception) -> Response:
    _log.error("request_failed", error=type(error).__name__, exc_info=error)
    detail = (
        "Something failed on our side and was logged. Try again, and name the request_id when you report it."
    )
    return problem(_SERVER_ERROR, CloudPayError.code, CloudPayError.title, detail)


def _by_field(messages: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Flatten what marshmallow says (`{"json": {"items": {0: {"amount": […]}}}}`) to `items.0.amount`."""
    for place in messages.values():
        yield from _flatten("", place)


def _flatten(prefix: str, messages: Any) -> Iterator[tuple[str, list[str]]]:
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            at = prefix if name == "_schema" else f"{prefix}.{name}".lstrip(".")
            yield from _flatten(at[:200], inner)
    else:
        given = messages if isinstance(messages, list) else [messages]
        yield prefix or "body", [_SENTENCES.get(str(each), str(each)) for each in given]


def _summary(errors: FieldErrors) -> str:
    first = [f"{name}: {' '.join(sentences)}" for name, sentences in list(errors.items())[:3]]
    more = f" And {len(errors) - len(first)} more; see errors." if len(errors) > len(first) else ""
    return " ".join(first) + more
