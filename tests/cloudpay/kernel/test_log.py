import errno
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from cloudpay.kernel.log import configure, get_logger

SECRET = "sk_Zm9vYmFyYmF6cXV4"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize(
    "name",
    [
        "api_key",
        "x-api-key",
        "X-Api-Key",
        "secret",
        "webhook_secret",
        "password",
        "mnemonic",
        "private_key",
        "seed",
    ],
)
def test_f98_what_is_named_like_a_secret_is_hidden(capsys: pytest.CaptureFixture[str], name: str) -> None:
    configure(level="info", json=True)
    get_logger("test").info("happened", **{name: "abandon abandon"})
    [line] = lines(capsys)
    assert line[name] == "[hidden]"


@pytest.mark.parametrize(
    "value",
    [
        SECRET,
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "postgresql://gateway:hunter2@db/cloudpay",
        "xprv9s21ZrQH143K31xYSDQpPDxsXRTUcvj2iNHm5NUtrGiGG5e2DtALGdso3pGz6ssrdK4PFmM8NSpSBHNqPqm55Qn3LqFtT2emdEXVYsCzC2U",
    ],
)
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v], lambda v: {"a": {"b": v}}, lambda v: f"at {v}"])
def test_f98_what_looks_like_a_secret_is_hidden_wherever_it_stands(
    capsys: pytest.CaptureFixture[str], value: str, wrap: Any
) -> None:
    configure(level="info", json=True)
    get_logger("test").info(f"it was {value}", place=wrap(value))
    shown = capsys.readouterr().err
    assert "[hidden]" in shown
    assert value not in shown and "hunter2" not in shown


def test_f98_a_library_that_logs_a_secret_is_hidden_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure(level="info", json=True)
    logging.getLogger("requests").warning("GET with %s", SECRET)
    [line] = lines(capsys)
    assert line["event"] == "GET with [hidden]"
    assert line["logger"] == "requests"


def test_f98_a_secret_in_a_traceback_is_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    configure(level="info", json=True)
    try:
        raise ValueError(SECRET)
    except ValueError:
        get_logger("test").exception("failed")
    shown = capsys.readouterr().err
    assert "ValueError" in shown
    assert SECRET not in shown


def test_bound_ids_are_in_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure(level="info", json=True)
    with structlog.contextvars.bound_contextvars(request="req_1"):
        get_logger("test").info("one")
        logging.getLogger("library").warning("two")
    assert [line["request"] for line in lines(capsys)] == ["req_1", "req_1"]


def test_lines_below_the_level_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    configure(level="warning", json=True)
    get_logger("test").info("quiet")
    get_logger("test").warning("loud")
    assert [line["event"] for line in lines(capsys)] == ["loud"]


def test_people_get_readable_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure(level="info", json=False)
    get_logger("test").info("invoice paid", invoice="INV-1")
    shown = capsys.readouterr().err
    assert "invoice paid" in shown and "INV-1" in shown


@pytest.mark.parametrize("name", ["urllib3.connectionpool", "web3.providers.HTTPProvider"])
def test_f98_libraries_do_not_log_the_addresses_that_they_call(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """A node's address holds the key of whoever pays for it."""
    configure(level="debug", json=True)
    logging.getLogger(name).debug('https://node.example:443 "POST /v3/0123456789abcdef HTTP/1.1" 200')
    logging.getLogger(name).error("It failed.")
    [line] = lines(capsys)
    assert line["event"] == "It failed."


@pytest.mark.parametrize("method", ["debug", "info", "warning", "error", "critical", "exception"])
def test_every_method_writes_a_line(capsys: pytest.CaptureFixture[str], method: str) -> None:
    configure(level="debug", json=True)
    getattr(get_logger("test"), method)("happened")
    [line] = lines(capsys)
    assert (line["event"], line["level"]) == ("happened", "error" if method == "exception" else method)


def test_f115_a_log_on_a_full_disk_stops_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    full = Full()
    monkeypatch.setattr("sys.stderr", full)
    configure(level="info", json=True)
    get_logger("test").info("happened")
    assert "happened" in full.getvalue()
