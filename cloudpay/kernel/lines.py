"""Log lines for people, without colours: what structlog's own renderer writes, for a fraction of what it costs."""

from collections.abc import MutableMapping
from typing import Any

import structlog

_LEVEL_WIDTH, _EVENT_WIDTH = 9, 30
_QUOTED = frozenset(" \t=\r\n\"'")
_RARE = ("stack", "exception", "exc_info", "logger", "logger_name")


class PlainLines:
    """Writes an event as `TIME [level    ] event   key=value …`; one with a traceback is left to structlog."""

    def __init__(self) -> None:
        self._rare = structlog.dev.ConsoleRenderer(colors=False)

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
        """Write one event."""
        if "timestamp" not in event or "level" not in event or any(name in event for name in _RARE):
            return str(self._rare(logger, method, dict(event)))
        head = (
            f"{event.pop('timestamp')} [{event.pop('level'):<{_LEVEL_WIDTH}}] "
            f"{event.pop('event')!s:<{_EVENT_WIDTH}}"
        )
        return " ".join([head, *[f"{key}={_written(event[key])}" for key in sorted(event)]]).rstrip(" ")


def _written(value: Any) -> str:
    if not isinstance(value, str) or not _QUOTED.isdisjoint(value):
        return repr(value)
    return value
