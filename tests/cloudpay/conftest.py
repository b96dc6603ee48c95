"""A merchant's invoices and payouts on fake chains, and watchers that a test drives poll by poll."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.registry import load_chains
from cloudpay.kernel.leases import LeaseKeeper
from cloudpay.merchants.keys import NewKey
from cloudpay.merchants.principal import Principal
from cloudpay.merchants.service import MerchantView
from cloudpay.payments.loop import LEASE_TTL
from cloudpay.payments.watcher import Watcher
from cloudpay.testing import FakePlugin
from cloudpay.testing.clock import START
from cloudpay.testing.plugin import fake_defaults
from cloudpay.transactions.models import FeeQuoteRow
from tests.cloudpay.funds import BULK, FEES, Send, fund
from tests.cloudpay.shop import Shop


@pytest.fixture
def open_shop_with(
    gateway: Gateway, merchant: MerchantView, key: NewKey, fakes: FakePlugin
) -> Callable[..., Shop]:
    """Open the merchant's shop on a fake network, verified and polled once; keywords change its settings."""

    def build(
        code: str, *, assets: dict[str, dict[str, str]] | None = None, polled: bool = True, **changes: object
    ) -> Shop:
        tables = {each.code: {"live": False} for each in gateway.chains}
        listed = fake_defaults(code)["assets"]
        changed = {symbol: {**listed[symbol], **more} for symbol, more in (assets or {}).items()}
        tables[code] |= {**changes, "assets": changed}  # type: ignore[dict-item]  # a plain table
        changed_gateway = replace(gateway, chains=load_chains(tables, "evm", ("fake", fakes)))
        network, adapter = changed_gateway.chains.network(code), changed_gateway.chains.adapter(code)
        keeper = LeaseKeeper(gateway.db, gateway.clock, f"watch:{code}", "test", LEASE_TTL)
        principal = Principal(key.view.id, merchant.id, livemode=False, scopes=frozenset(["invoices:write"]))
        watcher = Watcher(changed_gateway, network, adapter, keeper)
        shop = Shop(changed_gateway, principal, code, fakes.chains[code], watcher)
        shop.verify()
        if polled:
            shop.mine()
        return shop

    return build


@pytest.fixture
def shop(open_shop_with: Callable[..., Shop]) -> Shop:
    """The shop on `evm`: ETH, USDT (6 decimals) and WBTC; a payment is final after 3 blocks."""
    return open_shop_with("evm")


@pytest.fixture
def funded(gateway: Gateway, merchant: MerchantView) -> Gateway:
    """10 ETH and 1,000 USDT in the merchant's master wallet on `evm`; fees are known on every network."""

    def quote(session: Session) -> None:
        session.add_all(
            FeeQuoteRow(network=network.code, tier=tier.value, asset=asset.key, fee=fee, quoted_at=START)
            for network in gateway.chains
            for asset in network.assets
            for tier, fee in FEES.items()
        )

    gateway.db.run(quote)
    fund(gateway, merchant.id, "evm", "ETH", 10 * 10**18)
    fund(gateway, merchant.id, "evm", "USDT", 1_000 * 10**6)
    return gateway


@pytest.fixture
def send(funded: Gateway, client: FlaskClient, headers: dict[str, str]) -> Send:
    """Post to the API as the merchant's program; by default a bulk payout of the given items."""

    def build(*items: Any, path: str = BULK, key: str | None = None, **fields: Any) -> TestResponse:
        body = {"items": list(items), **fields} if path == BULK else fields
        more = {} if key is None else {"Idempotency-Key": key}
        return client.post(path, data=json.dumps(body), headers={**headers, **more})

    return build
