"""What happens around every request: its id, its line in the log, the headers of its answer."""

import re
import time

import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import NotFound

from cloudpay.chains.gateway import Gateway, bind
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.log import get_logger

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"))
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEADERS = {
    # An answer of the API is data: nothing in it may run, load or be framed. Pages bring their own policy.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

_log = get_logger("cloudpay.access")


def prepare(app: Flask, gateway: Gateway) -> None:
    """Have every request of this application bound, logged and its answer guarded."""
    headers = dict(_HEADERS)
    if gateway.settings.web.url.startswith("https:"):
        headers["Strict-Transport-Security"] = "max-age=31536000"

    @app.before_request
    def begin() -> None:
        bind(gateway)
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _GIVEN_ID.fullmatch(given) else new_id("req_")
        g.began = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)
        if "\x00" in request.path:  # no id holds it, and a database refuses it
            raise NotFound

    @app.after_request
    def finish(response: Response) -> Response:
        given = {name.lower() for name in response.headers.keys()}  # noqa: SIM118  # it iterates over pairs
        for name, value in headers.items():
            if name.lower() not in given:
                response.headers.add(name, value)
        response.headers["X-Request-Id"] = g.request_id
        _write_line(response)
        return response


def route_name() -> str:
    """Answer the route of the current request as it is written in the code; never what the client sent."""
    return request.url_rule.rule if request.url_rule else "(none)"


def method_name() -> str:
    """Answer the method of the current request; one of the client's own making is `(other)`."""
    return request.method if request.method in _METHODS else "(other)"


def _write_line(response: Response) -> None:
    """Log the request without its query string, headers or body: they may hold secrets."""
    principal = g.get("principal")
    _log.info(
        "request",
        method=method_name(),
        route=route_name(),
        status=response.status_code,
        milliseconds=round((time.perf_counter() - g.began) * 1000, 1),
        **({"key_id": principal.key_id, "merchant_id": principal.merchant_id} if principal else {}),
    )
