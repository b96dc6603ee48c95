"""Identifiers: a prefix that says what it is, then a ULID (time-ordered, 80 random bits, unguessable)."""

from ulid import ULID


def new_id(prefix: str) -> str:
    """Answer a fresh identifier such as `INV-01J9…`; ids of one prefix sort by the time they were made."""
    return f"{prefix}{ULID()}"
