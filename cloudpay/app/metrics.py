"""Prometheus metrics: requests as this server counts them, the rest read from the database at each scrape."""

import ipaddress
import os
import time
from collections.abc import Iterable

from flask import Blueprint, Flask, Response, current_app, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from werkzeug.exceptions import NotFound

from cloudpay.app.gauges import GAUGES
from cloudpay.app.requests import method_name, route_name
from cloudpay.chains.gateway import Gateway

blueprint = Blueprint("metrics", __name__)

_EXTENSION = "cloudpay.metrics"
_LABELS = ("method", "route", "status")


class DatabaseGauges(Collector):
    """Gauges that are read when asked for: right whichever process answers, however many there are."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def collect(self) -> Iterable[Metric]:
        """Read every gauge."""
        for gauge in GAUGES:
            family = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
            for labels, value in gauge.read(self._gateway):
                family.add_metric(labels, value)
            yield family

    def describe(self) -> Iterable[Metric]:
        """Answer nothing, so that registering reads nothing."""
        return ()


def prepare(app: Flask, gateway: Gateway) -> None:
    """Count the requests of this application, and serve `/metrics`.

    With several server processes, `PROMETHEUS_MULTIPROC_DIR` names a folder in which they add up.
    """
    own = CollectorRegistry()
    served = CollectorRegistry()
    requests = Counter("cloudpay_http_requests", "Requests answered.", _LABELS, registry=own)
    seconds = Histogram("cloudpay_http_request_seconds", "Time until the answer.", ("route",), registry=own)
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(served)  # type: ignore[no-untyped-call]  # the library leaves it untyped
    else:
        served.register(_Relay(own))
    served.register(DatabaseGauges(gateway))
    app.extensions[_EXTENSION] = served
    app.register_blueprint(blueprint)

    @app.after_request
    def count(response: Response) -> Response:
        requests.labels(method_name(), route_name(), str(response.status_code)).inc()
        seconds.labels(route_name()).observe(time.perf_counter() - g.began)
        return response


class _Relay(Collector):
    """One registry inside another."""

    def __init__(self, inner: CollectorRegistry) -> None:
        self._inner = inner

    def collect(self) -> Iterable[Metric]:
        """Answer what the inner registry holds."""
        return self._inner.collect()


@blueprint.get("/metrics")
def scrape() -> Response:
    """Answer the metrics, to this machine and its private network only: they tell how much business is done."""
    if not _is_near():
        raise NotFound
    registry: CollectorRegistry = current_app.extensions[_EXTENSION]
    return Response(generate_latest(registry), mimetype=CONTENT_TYPE_LATEST)


def _is_near() -> bool:
    """Say whether the client is on a private address; what a proxy passes on counts only from one that is trusted."""
    forwarded = "werkzeug.proxy_fix.orig" not in request.environ and "X-Forwarded-For" in request.headers
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return False
    return address.is_private and not forwarded
