"""The whole gateway as a user starts it: `cloudpay demo`, real processes, a real node, real kills."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

pytestmark = [pytest.mark.flow, pytest.mark.slow, pytest.mark.timeout(240)]

GATEWAY_PROCESSES = {
    "web",
    "worker:watch",
    "worker:events",
    "worker:webhooks",
    "worker:send",
    "scheduler",
    "valkey",
}
RESTART_SECONDS = 60


def wait_for(what: str, look: Callable[[], Any], seconds: float) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.05)
    return found


class Demo:
    """A running demo and its file."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.log = (folder.parent / f"{folder.name}.log").open("w+")
        command = [
            sys.executable,
            "-m",
            "cloudpay.cli",
            "demo",
            "--data-dir",
            str(folder),
            "--port",
            "0",
            *options,
        ]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT)
        wait_for("demo.json", self._is_ready, 90)

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, self.output()
        return self.file.exists()

    @property
    def file(self) -> Path:
        return self.folder / "demo.json"

    def read(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.file.read_text())
        return content

    def output(self) -> str:
        return Path(self.log.name).read_text()

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        demo = self.read()
        headers = {"x-api-key": demo["api_key"], "merchant_id": demo["merchant_id"]}
        return requests.request(method, f"{demo['api_url']}{path}", headers=headers, timeout=10, **options)

    def create_invoice(self, currency: str = "ETH", amount: str = "0.5") -> dict[str, Any]:
        body = {
            "amount": amount,
            "currency": currency,
            "network": "evm",
            "customer_name": "John Doe",
            "notification_emails": "john@example.com",
        }
        answer = self.call("POST", "/invoice", json=body)
        assert answer.status_code == 201, answer.text
        invoice: dict[str, Any] = answer.json()
        return invoice

    def pay(self, invoice_id: str) -> None:
        command = [
            sys.executable,
            "-m",
            "cloudpay.cli",
            "devnet",
            "pay",
            invoice_id,
            "--data-dir",
            str(self.folder),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def status(self, invoice_id: str) -> str:
        try:
            return str(self.call("GET", f"/invoice/{invoice_id}").json()["status"])
        except (requests.ConnectionError, FileNotFoundError):
            return "(the web process is starting again)"

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.log.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo with one network and quick blocks."""
    running = Demo(tmp_path_factory.mktemp("demo") / "data", "--networks", "evm", "--block-time", "0.2")
    yield running
    if running.process.poll() is None:
        running.stop()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_demo_file_says_all_that_a_program_needs(demo: Demo) -> None:
    content = demo.read()
    assert content["api_url"] == content["base_url"] + "/api"
    assert content["api_key"].startswith("sk_")
    assert content["webhook_secret"].startswith("whsec_")
    network = content["networks"]["evm"]
    assert network["assets"] == {
        "ETH": {"token_address": None, "decimals": 18},
        "USDT": {"token_address": network["assets"]["USDT"]["token_address"], "decimals": 6},
    }
    assert set(network) == {
        "family",
        "rpc_url",
        "chain_id",
        "confirmations",
        "assets",
        "payer",
        "master_wallet",
    }
    assert set(content["processes"]) == GATEWAY_PROCESSES | {"node:evm"}
    assert all(alive(pid) for pids in content["processes"].values() for pid in pids)
    assert demo.file.stat().st_mode & 0o077 == 0


def test_the_printed_lines_work_when_they_are_pasted(demo: Demo) -> None:
    curl = re.search(r"^curl .*?notification_emails.*?$", demo.output(), re.DOTALL | re.MULTILINE)
    assert curl is not None
    done = subprocess.run(["bash", "-c", f"{curl[0]} --silent"], capture_output=True, text=True, check=True)
    invoice = json.loads(done.stdout)
    demo.pay(invoice["id"])
    wait_for("the payment", lambda: demo.status(invoice["id"]) == "paid", 30)


@pytest.mark.parametrize("name", sorted(GATEWAY_PROCESSES))
def test_a_killed_process_is_started_again_and_the_invoice_is_paid(demo: Demo, name: str) -> None:
    invoice = demo.create_invoice()
    demo.pay(invoice["id"])
    [pid] = demo.read()["processes"][name]
    os.kill(pid, signal.SIGKILL)
    wait_for(f"the new {name}", lambda: demo.read()["processes"].get(name, [pid]) != [pid], RESTART_SECONDS)
    wait_for("the payment", lambda: demo.status(invoice["id"]) == "paid", RESTART_SECONDS)
    assert len(demo.call("GET", f"/invoice/{invoice['id']}").json()["payments"]) == 1


def test_the_demo_stops_within_ten_seconds_and_leaves_nothing(demo: Demo) -> None:
    pids = [pid for pids in demo.read()["processes"].values() for pid in pids]
    began = time.monotonic()
    demo.stop()
    assert time.monotonic() - began < 10
    assert demo.process.returncode == 0
    assert not demo.file.exists()
    assert not [pid for pid in pids if alive(pid)]


def test_a_kept_folder_goes_on_with_the_same_merchant_and_key(demo: Demo, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    first = Demo(folder, "--networks", "evm")
    before = first.read()
    invoice = first.create_invoice()
    first.stop()
    second = Demo(folder, "--networks", "evm")
    after = second.read()
    try:
        assert (after["merchant_id"], after["api_key"]) == (before["merchant_id"], before["api_key"])
        assert second.status(invoice["id"]) == "pending"
    finally:
        second.stop()
