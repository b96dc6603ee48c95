import base64
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from cloudpay.audit.service import entries
from cloudpay.chains.errors import UnknownAsset, UnknownNetwork
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel import failpoints
from cloudpay.kernel.failpoints import Failpoint
from cloudpay.merchants.errors import EmailTaken, InvalidField, UnknownMerchant
from cloudpay.merchants.models import Merchant
from cloudpay.merchants.service import (
    create_merchant,
    get_merchant,
    list_merchants,
    rotate_webhook_secret,
    set_invoice_expiry,
    set_payout_currencies,
    set_payout_network,
    webhook_secrets,
)
from cloudpay.merchants.states import Role
from cloudpay.merchants.users import create_user, list_users
from cloudpay.testing import FixedClock


def _create(gateway: Gateway, name: str = "Shop") -> str:
    return create_merchant(gateway, name, livemode=False, payout_currencies={}, actor="cli:alice").id


def test_every_merchant_gets_an_account_of_its_own_even_when_created_at_once(gateway: Gateway) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: _create(gateway, f"Shop {number}"), range(8)))
    assert sorted(each.account_index for each in list_merchants(gateway)) == list(range(8))


def test_payout_currencies_are_resolved_as_the_registry_writes_them(gateway: Gateway) -> None:
    made = create_merchant(gateway, "Shop", livemode=False, payout_currencies={"EVM": "usdt"}, actor="cli:a")
    assert made.payout_currencies == {"evm": "USDT"}
    changed = set_payout_currencies(gateway, made.id, {"evm": "eth"}, actor="cli:a")
    assert changed.payout_currencies == {"evm": "ETH"}
    with pytest.raises(UnknownNetwork):
        set_payout_currencies(gateway, made.id, {"moon": "ETH"}, actor="cli:a")
    with pytest.raises(UnknownAsset):
        set_payout_currencies(gateway, made.id, {"evm": "MOON"}, actor="cli:a")


def test_a_payout_network_is_one_of_the_merchant_s_mode(gateway: Gateway) -> None:
    merchant_id = _create(gateway)
    assert set_payout_network(gateway, merchant_id, "EVM", actor="cli:a").payout_network == "evm"
    assert set_payout_network(gateway, merchant_id, None, actor="cli:a").payout_network is None
    with pytest.raises(UnknownNetwork):
        set_payout_network(gateway, merchant_id, "moon", actor="cli:a")
    live = create_merchant(gateway, "Live", livemode=True, payout_currencies={}, actor="cli:a")
    with pytest.raises(InvalidField) as refused:
        set_payout_network(gateway, live.id, "evm", actor="cli:a")
    assert "no live network" in refused.value.message
    assert get_merchant(gateway, live.id).payout_network is None


@pytest.mark.parametrize("name", ["", "  ", "a\r\nb", "x" * 101, "a\x00b"])
def test_a_name_is_one_bounded_line(gateway: Gateway, name: str) -> None:
    with pytest.raises(InvalidField) as refused:
        _create(gateway, name)
    assert "name" in refused.value.errors


def test_the_expiry_is_bounded(gateway: Gateway) -> None:
    merchant_id = _create(gateway)
    assert set_invoice_expiry(gateway, merchant_id, 15, actor="cli:a").invoice_expiry_minutes == 15
    assert set_invoice_expiry(gateway, merchant_id, None, actor="cli:a").invoice_expiry_minutes is None
    for minutes in (0, -1, 43_201):
        with pytest.raises(InvalidField):
            set_invoice_expiry(gateway, merchant_id, minutes, actor="cli:a")


def test_an_unknown_merchant_is_said_to_be_unknown(gateway: Gateway) -> None:
    for ask in (get_merchant, webhook_secrets, list_users):
        with pytest.raises(UnknownMerchant):
            ask(gateway, "mer_none")


def test_a_rotated_webhook_secret_stays_valid_for_its_window_and_not_longer(
    gateway: Gateway, clock: FixedClock
) -> None:
    """F84."""
    merchant_id = _create(gateway)
    (old,) = webhook_secrets(gateway, merchant_id)
    new = rotate_webhook_secret(gateway, merchant_id, actor="cli:a", window=timedelta(hours=1))
    assert new != old
    assert webhook_secrets(gateway, merchant_id) == (new, old)
    clock.advance(timedelta(hours=1))
    assert webhook_secrets(gateway, merchant_id) == (new,)


def test_an_old_webhook_secret_stays_valid_though_the_commit_of_the_new_one_was_not_acknowledged(
    gateway: Gateway,
) -> None:
    merchant_id = _create(gateway)
    (old,) = webhook_secrets(gateway, merchant_id)

    def lose() -> None:
        failpoints.disarm()
        raise OperationalError("COMMIT", {}, sqlite3.OperationalError("server closed the connection"))

    failpoints.arm(Failpoint.TRANSACTION_COMMITTED, lose)
    try:
        new = rotate_webhook_secret(gateway, merchant_id, actor="cli:a")
    finally:
        failpoints.disarm()
    assert webhook_secrets(gateway, merchant_id) == (new, old)


def test_the_database_holds_no_usable_webhook_secret(gateway: Gateway) -> None:
    """F83."""
    merchant_id = _create(gateway)
    (secret,) = webhook_secrets(gateway, merchant_id)
    raw = base64.b64decode(secret.removeprefix("whsec_"))
    with gateway.db.read() as session:
        stored = session.scalars(select(Merchant.webhook_secret)).one()
    assert raw not in stored
    assert secret.encode() not in stored
    assert len(raw) == 32


def test_users_belong_to_one_merchant_and_their_address_is_compared_without_case(gateway: Gateway) -> None:
    merchant_id, other = _create(gateway), _create(gateway, "Other")
    made = create_user(gateway, merchant_id, "Owner@Shop.example", role="owner", actor="cli:a")
    assert (made.email, made.role) == ("owner@shop.example", Role.OWNER)
    with pytest.raises(EmailTaken):
        create_user(gateway, merchant_id, "owner@shop.EXAMPLE", role="viewer", actor="cli:a")
    create_user(gateway, other, "owner@shop.example", role="viewer", actor="cli:a")
    assert len(list_users(gateway, merchant_id)) == 1
    for email, role in (("no address", "owner"), ("a@b.c\r\nBcc: x@y.z", "owner"), ("a@b.c", "god")):
        with pytest.raises(InvalidField):
            create_user(gateway, merchant_id, email, role=role, actor="cli:a")


def test_what_was_done_to_a_merchant_is_in_the_audit_log_without_secrets(gateway: Gateway) -> None:
    merchant_id = _create(gateway)
    secret = rotate_webhook_secret(gateway, merchant_id, actor="cli:bob")
    log = entries(gateway, merchant_id).items
    assert [(entry.actor, entry.action) for entry in log] == [
        ("cli:bob", "merchant.webhook_secret_rotated"),
        ("cli:alice", "merchant.created"),
    ]
    assert secret not in repr(log)
