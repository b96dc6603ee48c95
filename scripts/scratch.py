"""Where test data lies: in memory where the system offers it, since tests wait for many small writes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108  # Linux's shared memory; a private folder is made in it
ENOUGH = 2 * 1024**3
"""Bytes that must be free there; containers often have 64 MB."""


def _parent() -> Path | None:
    """Return the memory file system when it is roomy, ours to write, and may hold programs; else None."""
    if not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK):
        return None
    state = os.statvfs(MEMORY)
    roomy = state.f_bavail * state.f_frsize >= ENOUGH
    return MEMORY if roomy and not state.f_flag & os.ST_NOEXEC else None


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """Make a private folder for the length of the block, on the fastest storage there is."""
    with tempfile.TemporaryDirectory(
        prefix=f"cloudpay-{name}-", dir=_parent(), ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)
