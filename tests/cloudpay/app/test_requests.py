"""Around every request: headers, ids, the access log, health, metrics."""

import io
import subprocess
import sys
import threading
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from cloudpay.app import create_app
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel import body
from cloudpay.kernel.db import Database
from cloudpay.merchants.keys import NewKey


def _with_web(gateway: Gateway, **changes: Any) -> Gateway:
    web = msgspec.structs.replace(gateway.settings.web, **changes)
    return replace(gateway, settings=msgspec.structs.replace(gateway.settings, web=web))


@pytest.mark.parametrize(
    "path", ["/healthz", "/api/invoice", "/api/nothing", "/api/openapi.json", "/metrics"]
)
def test_every_answer_is_guarded(client: FlaskClient, path: str) -> None:
    """F95."""
    headers = client.get(path).headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "Strict-Transport-Security" not in headers


def test_https_is_kept_to_when_the_public_address_has_it(gateway: Gateway) -> None:
    client = create_app(gateway=_with_web(gateway, public_url="https://pay.example")).test_client()
    assert "max-age" in client.get("/healthz").headers["Strict-Transport-Security"]


def test_a_request_id_is_taken_over_when_it_is_harmless(client: FlaskClient) -> None:
    assert client.get("/healthz", headers={"X-Request-Id": "abc-1"}).headers["X-Request-Id"] == "abc-1"
    for given in ("a b", "x" * 65, 'a"b', ""):
        made = client.get("/healthz", headers={"X-Request-Id": given}).headers["X-Request-Id"]
        assert made.startswith("req_")


def test_the_access_log_names_the_key_and_holds_no_secret(
    client: FlaskClient, key: NewKey, headers: dict[str, str]
) -> None:
    """F98."""
    with capture_logs() as lines:
        client.post("/api/invoice?token=hunter2", headers=headers, data=b'{"customer_name": "Jane Roe"}')
    (line,) = [each for each in lines if each["event"] == "request"]
    assert (line["route"], line["status"], line["key_id"]) == ("/api/invoice", 422, key.view.id)
    for secret in (key.secret, "hunter2", "Jane"):
        assert secret not in repr(lines)


def test_the_process_is_alive_without_a_database_but_not_ready(
    gateway: Gateway, client: FlaskClient, tmp_path: Any
) -> None:
    ready = client.get("/readyz")
    assert (ready.status_code, ready.get_json()["status"]) == (200, "degraded")
    assert set(ready.get_json()["networks"]) == {network.code for network in gateway.chains}
    assert all(state["status"] == "unverified" for state in ready.get_json()["networks"].values())
    lost = Database(f"sqlite:///{tmp_path}/no/such/folder/x.db")
    client = create_app(gateway=replace(gateway, db=lost)).test_client()
    assert client.get("/healthz").get_json() == {"status": "alive"}
    unready = client.get("/readyz")
    assert (unready.status_code, unready.get_json()["database"]) == (503, "unreachable")


def test_metrics_count_requests_by_route_and_read_the_rest_from_the_database(
    gateway: Gateway, client: FlaskClient, headers: dict[str, str]
) -> None:
    for number in range(3):
        client.get(f"/api/invoice/INV-{number}", headers=headers)
    text = client.get("/metrics").get_data(as_text=True)
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    by_route = (("method", "GET"), ("route", "/api/invoice/<invoice_id>"), ("status", "404"))
    assert samples["cloudpay_http_requests_total", by_route] == 3
    assert samples["cloudpay_outbox_pending", ()] == 0
    network = next(iter(gateway.chains)).code
    state = (("network", network), ("status", "unverified"))
    assert samples["cloudpay_network_status", state] == 1
    assert "INV-" not in text


def test_methods_of_a_clients_own_making_share_one_counter(client: FlaskClient) -> None:
    for number in range(3):
        client.open("/healthz", method=f"MADEUP{number}")
    text = client.get("/metrics").get_data(as_text=True)
    assert 'cloudpay_http_requests_total{method="(other)",route="(none)",status="405"} 3.0' in text
    assert "MADEUP" not in text, "each would be a series that is never forgotten"


def test_a_body_that_never_ends_is_given_up(
    client: FlaskClient, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few clients that fall silent would otherwise hold every thread of the server for good."""
    monkeypatch.setattr(body, "LONGEST_SECONDS", 0.2)
    hung_up = threading.Event()

    class Silent(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _buffer: object) -> int:
            hung_up.wait(30)
            return 0

    try:
        silent = {"wsgi.input": Silent(), "CONTENT_LENGTH": "100"}
        got = client.post("/api/invoice", environ_overrides=silent, headers=headers)
    finally:
        hung_up.set()
    assert (got.status_code, got.get_json()["code"]) == (408, "body_too_slow")


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("10.1.2.3", {}, 200),
        ("8.8.8.8", {}, 404),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 404),
    ],
)
def test_metrics_are_for_the_private_network_alone(
    client: FlaskClient, address: str, headers: dict[str, str], status: int
) -> None:
    got = client.get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": address})
    assert got.status_code == status


def test_building_the_application_loads_no_chain_library() -> None:
    heavy = ("web3", "tronpy", "eth_account")
    code = f"import sys, cloudpay.app.http; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
