"""What the set-up and test scripts say, and how they stop."""

from __future__ import annotations

import sys
import time
from typing import NoReturn

_STARTED = time.monotonic()


def say(message: str) -> None:
    """Print one progress line with the seconds since this script began."""
    print(f"[{time.monotonic() - _STARTED:5.1f} s] {message}", flush=True)


class CannotGoOn(Exception):
    """Something is missing; the message says what, and what to do about it."""


def stop(error: CannotGoOn) -> NoReturn:
    """End the script with the sentence that says what is missing."""
    sys.stdout.flush()
    sys.exit(f"cannot go on: {error}")
