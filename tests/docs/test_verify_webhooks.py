"""The receivers in docs/how-to/verify-webhooks.md do what the page says (F92)."""

import base64
import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from cloudpay.webhooks.signing import signature_headers

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "verify-webhooks.md"
SECRET, OLD = ("whsec_" + base64.b64encode(bytes([each]) * 32).decode() for each in (1, 2))
BODY = '{"status":"paid","invoice_id":"INV-1","amount":"10.00"}'
LIMIT = 20.0

Receive = Callable[[str, dict[str, str]], int]


def example(language: str) -> str:
    found = re.search(
        rf"<!-- example: {language} -->\n```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL
    )
    assert found, f"the page has no example in {language}"
    return found[1]


def signed(*secrets: str, off: timedelta = timedelta(0)) -> dict[str, str]:
    return dict(signature_headers("evt_1", datetime.now(UTC) + off, BODY, secrets or (SECRET,)))


def check(receive: Receive) -> None:
    assert receive(BODY, signed()) == 200
    assert receive(BODY, signed(OLD, SECRET)) == 200
    assert receive(BODY.replace("10.00", "99.00"), signed()) == 400
    assert receive(BODY, signed(OLD)) == 400
    assert receive(BODY, signed(off=timedelta(minutes=-6))) == 400
    assert receive(BODY, signed(off=timedelta(minutes=6))) == 400
    assert receive(BODY, {**signed(), "webhook-id": "evt_2"}) == 400
    assert receive(BODY, {}) == 400


def test_the_python_receiver_accepts_ours_once_and_refuses_what_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLOUDPAY_WEBHOOK_SECRET", SECRET)
    names: dict[str, Callable[[bytes, dict[str, str]], int]] = {}
    exec(compile(example("python"), str(PAGE), "exec"), names)
    check(lambda body, headers: names["receive"](body.encode(), headers))
    assert capsys.readouterr().out == "Paid: INV-1\n"


@pytest.fixture
def php(tmp_path: Path) -> Iterator[str]:
    """The page's PHP receiver on loopback."""
    program = shutil.which("php")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("php is missing: apt-get install php-cli")
        pytest.skip("php is missing: apt-get install php-cli")
    (tmp_path / "index.php").write_text(example("php"), "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "CLOUDPAY_WEBHOOK_SECRET": SECRET}
    server = subprocess.Popen(
        [program, "-S", f"127.0.0.1:{port}", "-t", str(tmp_path)],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    timer = threading.Timer(LIMIT, server.kill)
    timer.start()
    try:
        assert server.stderr is not None
        assert any("started" in line for line in server.stderr)
        yield f"http://127.0.0.1:{port}/index.php"
    finally:
        timer.cancel()
        server.kill()
        server.communicate()


def test_the_php_receiver_accepts_ours_and_refuses_what_is_not(php: str, tmp_path: Path) -> None:
    def receive(body: str, headers: dict[str, str]) -> int:
        return requests.post(php, data=body.encode(), headers=headers, timeout=LIMIT).status_code

    check(receive)
    assert (tmp_path / "payment_logs.txt").read_text() == "Paid: INV-1\n" * 2
