"""Who is told of an invoice: addresses, or ids of channels; what is neither is kept and named, never refused."""

from dataclasses import dataclass

from marshmallow import ValidationError
from marshmallow.validate import Email

_is_email = Email()


@dataclass(frozen=True)
class Recipients:
    """The entries of `notification_emails`, as they were sent, and those to which nothing can be delivered."""

    text: str
    undeliverable: tuple[str, ...]


def parse_recipients(text: str) -> Recipients:
    """Split a comma-separated list and tell which entries are no e-mail address."""
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    return Recipients(text, tuple(entry for entry in entries if not _deliverable(entry)))


def _deliverable(entry: str) -> bool:
    try:
        _is_email(entry)
    except ValidationError:
        return False
    return True
