"""A payout desk whose money the books know already, and who limits it."""

from typing import Any

import pytest

from cloudpay.chains.gateway import Gateway
from cloudpay.merchants.service import MerchantView
from cloudpay.merchants.users import create_user
from cloudpay.payouts.limiting import set_limits
from cloudpay.testing import FakePlugin, FixedClock
from cloudpay.wallets.masters import master_wallet
from tests.cloudpay.transactions.desk import Desk, write_seal_key


@pytest.fixture
def desk(funded: Gateway, merchant: MerchantView, fakes: FakePlugin, clock: FixedClock) -> Desk:
    """The sender of `evm`, and on its chain what the books say is in the master wallet."""
    write_seal_key(funded)
    network = funded.chains.network("evm")
    funded.chains.adapter("evm")
    chain = fakes.chains["evm"]
    made = Desk(funded, network, chain, clock, master_wallet(funded, network, merchant.id))
    chain.fund(made.master.address, 10 * 10**18, None)
    chain.fund(made.master.address, 1_000 * 10**6, network.asset("USDT").contract)
    chain.mine(5)
    return made


@pytest.fixture
def limit(funded: Gateway, merchant: MerchantView) -> Any:
    """Set limits."""
    return lambda *rules, key=None: set_limits(funded, merchant.id, rules, key_id=key, actor="cli:test")


@pytest.fixture
def users(funded: Gateway, merchant: MerchantView) -> tuple[str, str]:
    """Two users who may decide, and a third who may only look."""
    for email, role in (
        ("ada@x.example", "owner"),
        ("bob@x.example", "operator"),
        ("eve@x.example", "viewer"),
    ):
        create_user(funded, merchant.id, email, role=role, actor="cli:test")
    return "ada@x.example", "bob@x.example"
