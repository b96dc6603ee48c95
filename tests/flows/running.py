"""The demo as a stranger runs it: one command, then `demo.json`; and payers with an independent client."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import requests
from web3 import Web3

from tests.flows.wallets import Wallet, wallet

Found = TypeVar("Found")

CLOUDPAY = str(Path(sys.executable).parent / "cloudpay")
"""The command, as it is installed beside this Python."""

PATIENCE = 60.0
"""Seconds that a test waits for what must come."""


def wait_for(what: str, look: Callable[[], Found | None], seconds: float = PATIENCE) -> Found:
    """Answer what `look` finds, as soon as it finds something; fails with `what` when it never does."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not come within {seconds:.0f} s"
        time.sleep(0.05)  # between two looks


@dataclass
class RunningDemo:
    """A running demo and its access."""

    process: "subprocess.Popen[bytes]"
    folder: Path

    @property
    def file(self) -> dict[str, Any]:
        """What `demo.json` says now."""
        found: dict[str, Any] = json.loads((self.folder / "demo.json").read_text(encoding="utf-8"))
        return found

    @property
    def headers(self) -> dict[str, str]:
        """The headers as the published page writes them, underscore and all."""
        return {"x-api-key": self.file["api_key"], "merchant_id": self.file["merchant_id"]}

    def post(self, path: str, body: Mapping[str, Any]) -> requests.Response:
        """Send a request of the merchant's program."""
        return requests.post(f"{self.file['api_url']}{path}", json=body, headers=self.headers, timeout=20)

    def create(self, network: str, currency: str, **fields: Any) -> dict[str, Any]:
        """Create an invoice; retried while the gateway's web process is being started again."""
        body = {
            "currency": currency,
            "network": network,
            "customer_name": "John Doe",
            "notification_emails": "shop@example.com",
            **fields,
        }

        def attempt() -> dict[str, Any] | None:
            try:
                answer = self.post("/invoice", body)
            except requests.ConnectionError:
                return None
            assert answer.status_code in (201, 503), answer.text
            return answer.json() if answer.status_code == 201 else None

        return wait_for("an invoice", attempt)

    def invoice(self, invoice_id: str) -> dict[str, Any]:
        """Answer the invoice as it is now."""
        url = f"{self.file['api_url']}/invoice/{invoice_id}"

        def attempt() -> dict[str, Any] | None:
            try:
                answer = requests.get(url, headers=self.headers, timeout=20)
            except requests.ConnectionError:
                return None
            assert answer.status_code == 200, answer.text
            return dict(answer.json())

        return wait_for("an answer", attempt)

    def wait_until(self, invoice_id: str, *statuses: str) -> dict[str, Any]:
        """Wait until the invoice has one of these statuses."""

        def look() -> dict[str, Any] | None:
            found = self.invoice(invoice_id)
            return found if found["status"] in statuses else None

        return wait_for(f"{invoice_id} {' or '.join(statuses)}", look)

    def web3(self, network: str) -> Web3:
        """Answer an independent client of a network's node."""
        return Web3(Web3.HTTPProvider(self.file["networks"][network]["rpc_url"]))

    def wallet(self, network: str) -> Wallet:
        """Answer the payer's wallet on a network."""
        return wallet(self.file["networks"][network])

    def balance(self, network: str, token: str | None = None) -> dict[str, Any]:
        """Answer what the published API says of the master wallet; without a token of its native coin."""
        query = {"network": network} | ({"token_address": token} if token else {})
        url = f"{self.file['api_url']}/user/balance"
        answer = requests.get(url, params=query, headers=self.headers, timeout=20)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def payouts(self) -> dict[str, str]:
        """Answer the statuses of the newest payouts by their ids, as the published history lists them."""
        url = f"{self.file['api_url']}/payout/history?page=1&limit=20"
        answer = requests.get(url, headers=self.headers, timeout=20)
        assert answer.status_code == 200, answer.text
        return {each["id"]: each["status"] for each in answer.json()["items"]}

    def pay(self, invoice: Mapping[str, Any]) -> str:
        """Pay an invoice from the funded payer, as its fields say; answer the transaction's hash."""
        network = self.file["networks"][invoice["network"]]
        asset = network["assets"][invoice["currency"]]
        whole, _, fraction = invoice["amount"].partition(".")
        units = int(whole + fraction.ljust(asset["decimals"], "0")[: asset["decimals"]])
        payer = self.wallet(invoice["network"])
        return payer.pay(asset["token_address"], invoice["address_in"], units)

    def kill(self, name: str) -> int:
        """Kill one process of the gateway without a warning; answer its id."""
        [pid, *_] = self.file["processes"][name]
        os.kill(pid, signal.SIGKILL)
        return int(pid)

    def wait_for_another(self, name: str, pid: int) -> int:
        """Wait until the supervisor has started that process again."""

        def look() -> int | None:
            pids = self.file["processes"].get(name) or [pid]
            return int(pids[0]) if pids[0] != pid else None

        return wait_for(f"another {name}", look)


def start_demo(folder: Path, *options: str) -> RunningDemo:
    """Start `cloudpay demo` and wait until it has written its file."""
    command = [
        str(Path(sys.executable).parent / "cloudpay"),
        "demo",
        "--data-dir",
        str(folder),
        "--port",
        "0",
    ]
    log = (folder.parent / f"{folder.name}.log").open("wb")
    process = subprocess.Popen([*command, *options], stdout=log, stderr=subprocess.STDOUT)
    demo = RunningDemo(process, folder)

    def ready() -> bool:
        assert process.poll() is None, Path(log.name).read_text(encoding="utf-8")
        return (folder / "demo.json").exists()

    wait_for("demo.json", ready, 90)
    return demo


def stop_demo(demo: RunningDemo) -> int:
    """Stop it as Ctrl-C does; answer its exit code."""
    demo.process.send_signal(signal.SIGTERM)
    return demo.process.wait(timeout=30)
