"""Structured logs: one event a line, ids bound by context, no secret in any of them."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET_KEYS = re.compile(
    r"(secret|password|api_key|private_key|mnemonic|seed|authorization|token_value)", re.IGNORECASE
)
_SECRET_VALUES = re.compile(r"(sk_[A-Za-z0-9]{6,}|whsec_[A-Za-z0-9+/=]{6,}|//[^/@\s:]+:[^/@\s]+@)")


def _redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide what is named like a secret or looks like one."""
    for key, value in event.items():
        if _SECRET_KEYS.search(key):
            event[key] = "[hidden]"
        elif isinstance(value, str):
            event[key] = _SECRET_VALUES.sub("[hidden]", value)
    return event


def configure(*, level: str, json: bool) -> None:
    """Set up logging for this process; called once at its start."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    formatter = structlog.stdlib.ProcessorFormatter(
        processor=renderer, foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared]
    )
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Answer the logger of a module."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger
