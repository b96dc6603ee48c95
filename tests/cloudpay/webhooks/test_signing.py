"""Signatures, held against the reference library of Standard Webhooks (F92)."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from cloudpay.webhooks.signing import signature_headers

BODY = '{"status":"paid","amount":"10.00"}'
NEW, OLD, OTHER = ("whsec_" + base64.b64encode(bytes([each]) * 32).decode() for each in (1, 2, 3))


def signed(at: datetime | None = None) -> dict[str, str]:
    return dict(signature_headers("evt_1", at or datetime.now(UTC), BODY, (NEW, OLD)))


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_during_a_rotation_both_secrets_verify(secret: str) -> None:
    assert Webhook(secret).verify(BODY, signed()) == {"status": "paid", "amount": "10.00"}


def test_there_is_one_signature_for_each_secret_apart_by_a_space() -> None:
    assert [each.split(",")[0] for each in signed()["webhook-signature"].split(" ")] == ["v1", "v1"]


def test_a_secret_that_is_out_of_use_does_not_verify() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(BODY, signed())


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_does_not_verify(header: str) -> None:
    headers = signed()
    del headers[header]
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(BODY, headers)


def test_an_altered_body_id_or_time_does_not_verify() -> None:
    later = str(int(datetime.now(UTC).timestamp()) + 1)
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(BODY.replace("10.00", "99.00"), signed())
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(BODY, {**signed(), "webhook-id": "evt_2"})
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(BODY, {**signed(), "webhook-timestamp": later})


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_replay_does_not_verify(minutes: int) -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(BODY, signed(datetime.now(UTC) + timedelta(minutes=minutes)))
