from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from cloudpay.audit.service import entries
from cloudpay.chains.gateway import Gateway
from cloudpay.merchants.errors import BadKey, InvalidField, UnknownKey
from cloudpay.merchants.keys import authenticate, create_key, list_keys, revoke_key, rotate_key
from cloudpay.merchants.service import MerchantView, create_merchant
from cloudpay.testing import FixedClock


def _key(gateway: Gateway, merchant: MerchantView, **options: Any) -> Any:
    values = {"name": "shop", "scopes": ["read"], "actor": "cli:a", **options}
    return create_key(gateway, merchant.id, **values)


def test_a_key_says_whose_it_is_and_what_it_may(gateway: Gateway, merchant: MerchantView) -> None:
    made = _key(gateway, merchant, scopes=["read", "invoices:write"], rate_limit="5 per minute")
    found = authenticate(gateway, made.secret)
    assert (found.merchant_id, found.key_id, found.livemode) == (merchant.id, made.view.id, merchant.livemode)
    assert found.may("payouts:write", "read")
    assert not found.may("payouts:write")
    assert found.rate_limit == "5 per minute"


def test_keys_are_long_random_and_all_different(gateway: Gateway, merchant: MerchantView) -> None:
    secrets = {_key(gateway, merchant).secret for _ in range(5)}
    assert len(secrets) == 5
    assert all(secret.startswith("sk_") and len(secret) == 46 and secret[3:].isalnum() for secret in secrets)


@pytest.mark.parametrize("garbage", ["", "sk_", "sk_123456789", "x" * 100_000, "ключ", "sk_\x00"])
def test_garbage_is_refused(gateway: Gateway, merchant: MerchantView, garbage: str) -> None:
    """F80."""
    _key(gateway, merchant)
    with pytest.raises(BadKey):
        authenticate(gateway, garbage)


def test_a_revoked_key_is_refused_for_ever(gateway: Gateway, merchant: MerchantView) -> None:
    """F80."""
    made = _key(gateway, merchant)
    first = revoke_key(gateway, merchant.id, made.view.id, actor="cli:a")
    with pytest.raises(BadKey):
        authenticate(gateway, made.secret)
    assert revoke_key(gateway, merchant.id, made.view.id, actor="cli:a") == first


def test_a_key_is_refused_from_the_moment_it_expires(
    gateway: Gateway, merchant: MerchantView, clock: FixedClock
) -> None:
    """F80."""
    made = _key(gateway, merchant, expires_at=clock.moment + timedelta(hours=1))
    clock.advance(timedelta(minutes=59))
    authenticate(gateway, made.secret)
    clock.advance(timedelta(minutes=1))
    with pytest.raises(BadKey):
        authenticate(gateway, made.secret)


def test_after_a_rotation_both_keys_work_for_the_window_and_then_one(
    gateway: Gateway, merchant: MerchantView, clock: FixedClock
) -> None:
    """F84."""
    old = _key(gateway, merchant, scopes=["read", "webhooks:write"])
    new = rotate_key(gateway, merchant.id, old.view.id, window=timedelta(hours=2), actor="cli:a")
    assert new.view.scopes == old.view.scopes
    for secret in (old.secret, new.secret):
        authenticate(gateway, secret)
    clock.advance(timedelta(hours=2))
    authenticate(gateway, new.secret)
    with pytest.raises(BadKey):
        authenticate(gateway, old.secret)


def test_a_database_dump_holds_no_usable_key(gateway: Gateway, merchant: MerchantView) -> None:
    """F83."""
    made = _key(gateway, merchant)
    with gateway.db.read() as session:
        dump = repr(session.execute(text("SELECT * FROM api_keys")).all())
        dump += repr(session.execute(text("SELECT * FROM audit_entries")).all())
    assert made.secret not in dump
    assert made.secret[3:-4] not in dump
    assert made.view.hint.endswith(made.secret[-4:])


def test_a_key_of_another_merchant_cannot_be_revoked_or_listed(
    gateway: Gateway, merchant: MerchantView
) -> None:
    """F81."""
    made = _key(gateway, merchant)
    other = create_merchant(gateway, "Other", livemode=False, payout_currencies={}, actor="cli:a")
    with pytest.raises(UnknownKey):
        revoke_key(gateway, other.id, made.view.id, actor="cli:a")
    assert list_keys(gateway, other.id) == ()
    authenticate(gateway, made.secret)


def test_use_is_noted_at_most_once_a_minute(
    gateway: Gateway, merchant: MerchantView, clock: FixedClock
) -> None:
    made, began = _key(gateway, merchant), clock.moment
    authenticate(gateway, made.secret)
    clock.advance(timedelta(seconds=59))
    authenticate(gateway, made.secret)
    assert list_keys(gateway, merchant.id)[0].last_used_at == began
    clock.advance(timedelta(seconds=1))
    authenticate(gateway, made.secret)
    assert list_keys(gateway, merchant.id)[0].last_used_at == clock.moment


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "a\nb"),
        ("scopes", []),
        ("scopes", ["everything"]),
        ("addresses", ["10.0.0.0/99"]),
        ("addresses", ["example.com"]),
        ("rate_limit", "often"),
        ("rate_limit", "0.5 per minute"),
    ],
)
def test_what_cannot_be_used_is_named(
    gateway: Gateway, merchant: MerchantView, field: str, value: Any
) -> None:
    with pytest.raises(InvalidField) as refused:
        _key(gateway, merchant, **{field: value})
    assert field in refused.value.errors


def test_a_key_cannot_be_born_expired(gateway: Gateway, merchant: MerchantView, clock: FixedClock) -> None:
    with pytest.raises(InvalidField):
        _key(gateway, merchant, expires_at=clock.moment)


def test_addresses_are_kept_as_networks(gateway: Gateway, merchant: MerchantView) -> None:
    made = _key(gateway, merchant, addresses=["192.0.2.7", "198.51.100.9/24", "2001:db8::1/64"])
    assert made.view.addresses == ("192.0.2.7/32", "198.51.100.0/24", "2001:db8::/64")


def test_making_and_revoking_keys_is_in_the_audit_log(gateway: Gateway, merchant: MerchantView) -> None:
    made = _key(gateway, merchant)
    revoke_key(gateway, merchant.id, made.view.id, actor="cli:bob")
    log = entries(gateway, merchant.id).items
    assert [(entry.actor, entry.action, entry.subject) for entry in log[:2]] == [
        ("cli:bob", "key.revoked", made.view.id),
        ("cli:a", "key.created", made.view.id),
    ]
