"""The tutorial, typed word by word into a shell beside a running demo."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT, blocks
from tests.flows.running import start_demo, stop_demo, wait_for

PAGE = DOCS / "tutorial" / "first-payment.md"
_DONE = "the block is done"


class Shell:
    """One bash, in which a reader types one block after the other."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            ["bash"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def type(self, text: str) -> str:
        """Run a block; answer what it printed."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{text}\necho; echo {_DONE}\n")
        self._process.stdin.flush()
        lines: list[str] = []
        for line in self._process.stdout:
            if line.strip() == _DONE:
                return "".join(lines)
            lines.append(line)
        raise AssertionError(f"the shell ended: {''.join(lines)}")

    def close(self) -> None:
        """End it, and what it started."""
        os.killpg(self._process.pid, 9)
        self._process.wait()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder like the project's own, in which `make demo` runs."""
    demo = start_demo(tmp_path / ".cloudpay-demo", "--block-time", "0.3")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    yield tmp_path
    stop_demo(demo)


@pytest.fixture
def shell(folder: Path) -> Iterator[Shell]:
    opened = Shell(folder)
    yield opened
    opened.close()


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.mark.flow
def test_the_tutorial_does_what_it_says(folder: Path, shell: Shell) -> None:
    port = _free_port()
    found = [(block.language, block.text.replace("8085", port)) for block in blocks(PAGE)]
    (folder / "hook.php").write_text(next(text for language, text in found if language == "php"))
    (folder / "pay.py").write_text(next(text for language, text in found if language == "python"))
    make, access, create, pay, ask, php, in_dollars, deliveries, own_program = [
        text for language, text in found if language == "sh"
    ]
    assert make.strip() == "make demo"

    shell.type(access)
    assert '"status":"pending"' in shell.type(create)
    assert "Sent 50.00 USDT on evm" in shell.type(pay)
    wait_for("a paid invoice", lambda: '"status": "paid"' in shell.type(ask))

    shell.type(f"{php} 2>php.log &")
    said = folder / "php.log"
    wait_for("the receiver", lambda: said.exists() and "started" in said.read_text())
    log = folder / "payment_logs.txt"
    assert "Sent 0.01 ETH on evm" in shell.type(in_dollars)
    wait_for("the webhook", lambda: log.exists() and log.read_text().count("Paid: INV-") == 1)
    wait_for("both deliveries", lambda: shell.type(deliveries).count('"succeeded"') == 2)

    assert "Transaction 0x" in shell.type(own_program)
    wait_for("the second webhook", lambda: log.read_text().count("Paid: INV-") == 2)
