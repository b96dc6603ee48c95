"""The command line over the test's own gateway."""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from cloudpay.chains.gateway import Gateway
from cloudpay.cli import main, session


@dataclass(frozen=True)
class Ended:
    """What a command did."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command as `main` does, with what a person types as `typed`."""
    monkeypatch.setattr(session, "open_gateway", lambda _settings, process: gateway)
    monkeypatch.setattr(session, "close_gateway", lambda _gateway: None)

    def command(*arguments: str, typed: str = "") -> Ended:
        monkeypatch.setattr(sys, "argv", ["cloudpay", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        code = ended.value.code
        return Ended(code if isinstance(code, int) else 0, captured.out, captured.err)

    return command
