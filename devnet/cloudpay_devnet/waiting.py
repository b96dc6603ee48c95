"""Waiting for a condition, with a limit."""

import time
from collections.abc import Callable
from typing import TypeVar

from cloudpay_devnet.errors import NotInTime

Found = TypeVar("Found")


def wait_for(what: str, look: Callable[[], Found | None], seconds: float, every: float = 0.01) -> Found:
    """The first answer of `look` that is not None; raises NotInTime after `seconds`."""
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() >= deadline:
            raise NotInTime(what, seconds)
        time.sleep(every)
    return found
