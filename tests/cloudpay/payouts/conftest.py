"""A payout desk whose money the books know already."""

import pytest

from cloudpay.chains.gateway import Gateway
from cloudpay.merchants.service import MerchantView
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
