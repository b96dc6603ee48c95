"""Lines without colours read as structlog's own."""

from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from cloudpay.kernel.lines import PlainLines

OWN, THEIRS = PlainLines(), structlog.dev.ConsoleRenderer(colors=False)
AT = {"timestamp": "2026-01-31T12:00:00Z", "level": "info", "event": "request"}


@given(
    st.dictionaries(st.text(min_size=1), st.one_of(st.none(), st.integers(), st.text(), st.lists(st.text()))),
    st.sampled_from(["debug", "info", "warning", "error", "critical"]),
    st.text(),
)
def test_any_event_is_written_as_structlog_writes_it(fields: dict[str, Any], level: str, event: str) -> None:
    made = {**fields, **AT, "level": level, "event": event}
    assert OWN(None, level, made.copy()) == THEIRS(None, level, made.copy())


@pytest.mark.parametrize(
    "event",
    [
        {"event": "early", "level": "info"},
        AT | {"exception": "Traceback (most recent call last):\nValueError"},
        AT | {"stack": "File …"},
        AT | {"logger": "granian", "status": 200},
        AT | {"logger_name": "granian"},
    ],
)
def test_what_is_rare_is_written_by_structlog(event: dict[str, Any]) -> None:
    assert OWN(None, "info", event.copy()) == THEIRS(None, "info", event.copy())
