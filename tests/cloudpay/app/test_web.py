"""The web process over a real socket: what a test client cannot show."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from cloudpay.app.exits import CONFIGURATION_EXIT
from cloudpay.app.ports import free_port

pytestmark = pytest.mark.timeout(120)

CONFIG = """
data_dir = "{folder}/data"
[web]
port = {port}
[log]
level = "warning"
"""


class Site:
    """A gateway's settings, and its commands."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = folder / "cloudpay.toml"
        self.config.write_text(CONFIG.format(folder=folder, port=self.port))

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "cloudpay.cli", "--config", str(self.config), *arguments]

    def run(self, *arguments: str) -> Any:
        done = subprocess.run(self.command(*arguments, "--json"), capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=1).ok
        except requests.RequestException:
            return False


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def server(site: Site, eventually: Any) -> "Iterator[subprocess.Popen[bytes]]":
    """A running web process."""
    process = subprocess.Popen(site.command("web"), start_new_session=True)
    try:
        eventually(site.answers, seconds=60)
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_the_merchant_header_with_an_underscore_arrives(
    site: Site, server: "subprocess.Popen[bytes]"
) -> None:
    """Most servers drop `merchant_id` in silence; the published header must be heard."""
    merchant = site.run("merchant", "create", "Tea Shop")
    secret = site.run("key", "create", merchant["id"])["secret"]
    for name in ("merchant_id", "merchant-id"):
        right = {"x-api-key": secret, name: merchant["id"]}
        wrong = {"x-api-key": secret, name: "mer_another"}
        assert requests.get(f"{site.url}/api/invoice", headers=right, timeout=10).status_code == 200
        assert requests.get(f"{site.url}/api/invoice", headers=wrong, timeout=10).status_code == 401


def test_sigterm_ends_the_server_in_order(site: Site, server: "subprocess.Popen[bytes]") -> None:
    began = time.monotonic()
    server.send_signal(signal.SIGTERM)
    assert server.wait(10) == 0
    assert time.monotonic() - began < 8
    assert not site.answers()


def test_a_server_worker_that_is_killed_is_replaced(
    site: Site, server: "subprocess.Popen[bytes]", eventually: Any
) -> None:
    [child] = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    os.kill(int(child), signal.SIGKILL)
    eventually(lambda: not Path(f"/proc/{child}").exists())
    eventually(site.answers, seconds=60)
    assert server.poll() is None


def test_a_taken_port_is_said_in_a_sentence(site: Site) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", site.port))
        other.listen()
        done = subprocess.run(site.command("web"), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == CONFIGURATION_EXIT
    assert f"127.0.0.1:{site.port} cannot be listened on" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_configuration_stops_the_start_with_a_sentence(site: Site) -> None:
    site.config.write_text(
        site.config.read_text() + '[networks.nowhere]\nrpc_urls = ["http://127.0.0.1:1"]\n'
    )
    done = subprocess.run(site.command("web"), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == CONFIGURATION_EXIT
    assert "no installed plugin serves 'nowhere'" in done.stderr
    assert "Traceback" not in done.stderr
