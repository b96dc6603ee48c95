"""Building the HTTP application: limits, errors, headers, routes."""

from collections.abc import Callable, Iterable
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

from flask import Flask
from flask.typing import ResponseReturnValue
from werkzeug.middleware.proxy_fix import ProxyFix

from cloudpay.app import health, metrics, reader, requests
from cloudpay.app.openapi import make_api
from cloudpay.app.problems import register_handlers
from cloudpay.app.routes import API, PAGES
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.body import limit_waiting
from cloudpay.kernel.db import repeat_reads
from cloudpay.merchants.limits import RateLimits

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from werkzeug.wsgi import ClosingIterator


class Application(Flask):
    """A Flask application whose requests outlive a database that restarts, as long as they have written nothing."""

    def wsgi_app(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer whole: a list is sent at once, anything else goes through the server piece by piece."""
        with closing(cast("ClosingIterator", super().wsgi_app(environ, start_response))) as pieces:
            return [*pieces]

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Answer the function itself: none here is asynchronous, and each would be looked at in every request."""
        return func

    def dispatch_request(self) -> ResponseReturnValue:
        """Answer a request; again, a bounded number of times, when the connection broke while it was reading."""
        return repeat_reads(super().dispatch_request)


def build(gateway: Gateway) -> Flask:
    """Build the application that serves this gateway."""
    web = gateway.settings.web
    app = Application("cloudpay", static_folder=None)
    app.url_map.merge_slashes = (
        False  # it would redirect `/api//invoice`, to whatever host the client has named
    )
    app.config["MAX_CONTENT_LENGTH"] = web.max_body_bytes
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    if web.trusted_proxies:
        # Only as many entries as there are proxies of ours are believed; the rest is what a client made up.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=web.trusted_proxies, x_proto=web.trusted_proxies)  # type: ignore[method-assign]
    limit_waiting(app, web.threads)
    requests.prepare(app, gateway)
    RateLimits(app, gateway.settings, unlimited=("health.healthz", "health.readyz", "metrics.scrape"))
    register_handlers(app)
    metrics.prepare(app, gateway)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(reader.blueprint)
    for page in PAGES:
        app.register_blueprint(page)
    api = make_api(app, gateway.settings)
    for each in API:
        api.register_blueprint(each)
    return app
