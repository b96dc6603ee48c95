"""The pages that people see, opened in a real browser: they render, load nothing from outside, break no policy."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.leases import LeaseKeeper
from cloudpay.payments.health import verify
from cloudpay.payments.loop import LEASE_TTL
from cloudpay.payments.watcher import Watcher

pytestmark = pytest.mark.browser

# A browser that is not told otherwise looks for its makers' hosts at every start.
_QUIET = [
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic",
    "--no-first-run", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]  # fmt: skip

_PATIENCE = "--virtual-time-budget=4000"  # the payer's page loads itself again after five seconds


@pytest.fixture
def chromium() -> str:
    """The browser's command."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None and not os.environ.get("CI"):
        pytest.skip("no Chromium on this machine: apt install chromium")
    assert found, "CI needs Chromium: apt install chromium"
    return found


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The application behind a socket."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)


class Browser:
    """Opens a page and answers what came of it."""

    def __init__(self, command: str, profile: Path) -> None:
        self._command, self._profile = command, profile

    def open(self, url: str) -> tuple[str, list[str]]:
        """Answer the page's elements after its scripts ran, and what it wrote on the console."""
        options = ["--headless", "--no-sandbox", *_QUIET, f"--user-data-dir={self._profile}"]
        options += [_PATIENCE, "--enable-logging=stderr", "--v=0", "--dump-dom", url]
        done = subprocess.run(
            [self._command, *options], capture_output=True, text=True, timeout=90, check=True
        )
        return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture
def browser(chromium: str, tmp_path: Path) -> Browser:
    """A browser with a fresh profile."""
    return Browser(chromium, tmp_path / "profile")


def test_the_api_reader_renders_every_route_under_its_policy(browser: Browser, site: str) -> None:
    page, console = browser.open(f"{site}/api/docs")
    for shown in ("CloudPay", "/invoice/{invoice_id}", "Create an invoice", "invoice.paid"):
        assert shown in page
    assert console == []


def test_f87_f95_the_payers_page_renders_and_a_script_in_a_text_field_is_inert(
    browser: Browser, site: str, client: FlaskClient, headers: Mapping[str, str], gateway: Gateway
) -> None:
    network, adapter = gateway.chains.network("evm"), gateway.chains.adapter("evm")
    verify(gateway, network, adapter)
    keeper = LeaseKeeper(gateway.db, gateway.clock, "watch:evm", "test", LEASE_TTL)
    Watcher(gateway, network, adapter, keeper).poll()
    body = {
        "amount": "1.5",
        "currency": "USDT",
        "customer_name": "<script>document.title='taken over'</script>",
        "notification_emails": '"><img src=x onerror=alert(1)>',
    }
    invoice = client.post("/api/invoice", headers=headers, data=json.dumps(body)).json
    assert invoice is not None
    page, console = browser.open(f"{site}/pay/{invoice['id']}")
    assert invoice["address_in"] in page
    assert "taken over" not in page
    assert console == []
