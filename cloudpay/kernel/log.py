"""Structured logs: one event a line, ids bound by context, no secret in any of them."""

import logging
import re
import sys
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from types import ModuleType
from typing import Any, TextIO, cast


@contextmanager
def _as_if_missing(package: str) -> Iterator[None]:
    """Have an optional dependency of what is imported here look as if it were not installed."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = cast("ModuleType", None)  # the import system's own mark
    try:
        yield
    finally:
        del sys.modules[package]


# For tracebacks in colour, which these logs do not show, it would cost every process 5 MB and a tenth of a second.
with _as_if_missing("rich"):
    import structlog

    from cloudpay.kernel.lines import PlainLines

_SECRET_KEYS = re.compile(
    r"(secret|password|api[_-]?key|private_key|mnemonic|seed|authorization|token_value)", re.IGNORECASE
)
_TELL_ADDRESSES = (
    "urllib3",
    "web3",
)  # at level debug, whole: a node's holds its key, a webhook's often a token
_SECRET_VALUES = re.compile(
    r"(sk_[A-Za-z0-9]{6,}|whsec_[A-Za-z0-9+/=]{6,}|xprv[1-9A-HJ-NP-Za-km-z]{20,}|//[^/@\s:]+:[^/@\s]+@)"
)
_SIGNS = ("sk_", "whsec_", "xprv", "//")
"""One of these is in whatever the pattern finds: most texts have none, and are told so sooner."""


def _redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide what is named like a secret or looks like one."""
    for key, value in event.items():
        event[key] = _hide(key, value)
    return event


@lru_cache(maxsize=1024)
def _names_a_secret(key: str) -> bool:
    """The names in events are few and come again and again."""
    return _SECRET_KEYS.search(key) is not None


def _hide(key: str, value: Any) -> Any:
    if _names_a_secret(key):
        return "[hidden]"
    if isinstance(value, str):
        return _SECRET_VALUES.sub("[hidden]", value) if any(sign in value for sign in _SIGNS) else value
    if isinstance(value, Mapping):
        return {name: _hide(str(name), each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_hide("", each) for each in value]
    return value


class _Lines:
    """Our own lines, past the standard library's loggers, which would look for each one's place in the code.

    As there, a line that cannot be written (the disk is full, the pipe closed) is lost, and stops no work.
    """

    def __init__(self, file: TextIO) -> None:
        self._file, self._lock = file, threading.Lock()

    def _write(self, line: str) -> None:
        with self._lock, suppress(OSError, ValueError):
            self._file.write(f"{line}\n")
            self._file.flush()

    debug = info = warning = error = critical = _write


def configure(*, level: str, json: bool) -> None:
    """Set up logging for this process; called once at its start."""
    if json:
        renderer: Any = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=True) if sys.stderr.isatty() else PlainLines()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact,
    ]
    lines = _Lines(sys.stderr)
    structlog.configure(
        processors=[*shared, renderer],
        logger_factory=lambda *_names: lines,
        # What is not written is dropped before anything is made of it.
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    formatter = structlog.stdlib.ProcessorFormatter(
        processor=renderer, foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared]
    )
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in _TELL_ADDRESSES:
        logging.getLogger(name).setLevel(logging.ERROR)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Answer the logger of a module."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger
