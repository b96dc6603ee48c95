"""A merchant whose master wallet has money, on fake chains whose fees are known."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.spending import FeeTier
from cloudpay.ledger.outgoing import Funding, post_funding
from cloudpay.merchants.service import MerchantView
from cloudpay.testing.clock import START
from cloudpay.transactions.models import FeeQuoteRow

BULK = "/api/user/payouts/bulk/api"
FEES = {FeeTier.LOW: 10**12, FeeTier.MEDIUM: 2 * 10**12, FeeTier.HIGH: 4 * 10**12}
"""What one transfer costs, in native base units."""

Send = Callable[..., TestResponse]


def fund(gateway: Gateway, merchant_id: str, network: str, symbol: str, amount: int) -> None:
    """Put money into a master wallet, as if it had come from outside."""
    asset = gateway.chains.network(network).asset(symbol)
    came = Funding(network, f"0x{symbol}", f"0x{merchant_id}", asset.key, 0, merchant_id, False, amount)
    gateway.db.run(lambda session: post_funding(session, came, START))


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
