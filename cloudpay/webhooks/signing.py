"""The Standard Webhooks signature: https://github.com/standard-webhooks/standard-webhooks."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from standardwebhooks import Webhook


def signature_headers(event_id: str, at: datetime, body: str, secrets: Sequence[str]) -> Mapping[str, str]:
    """Answer the three headers; with several secrets (during a rotation) the receiver may verify by any of them.

    `at` is an aware UTC time: receivers refuse a timestamp that is more than five minutes off theirs.
    """
    signatures = [Webhook(secret).sign(event_id, at, body) for secret in secrets]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
