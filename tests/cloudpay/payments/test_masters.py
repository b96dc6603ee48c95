"""Every merchant has a master wallet that is watched."""

from datetime import timedelta

from cloudpay.merchants.service import create_merchant
from cloudpay.testing import FixedClock
from cloudpay.wallets.masters import find_master
from tests.cloudpay.shop import Shop


def test_a_merchant_made_while_the_watcher_runs_has_a_watched_wallet_soon(
    shop: Shop, clock: FixedClock
) -> None:
    gateway, network = shop.gateway, shop.gateway.chains.network(shop.code)
    other = create_merchant(gateway, "Coffee", livemode=False, payout_currencies={}, actor="cli:test")
    clock.advance(timedelta(minutes=3))
    shop.mine()
    with gateway.db.read() as session:
        assert find_master(session, network, other.id) is not None
        assert find_master(session, network, shop.principal.merchant_id) is not None
