"""One flow of money in comes by every failpoint: none is dead, so that a kill at each of them means something."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from cloudpay.chains.types import Capability
from cloudpay.invoices.change import expire_due
from cloudpay.kernel import failpoints
from cloudpay.kernel.failpoints import Failpoint
from cloudpay.kernel.leases import LeaseRow
from cloudpay.payments.loop import WatchLoop
from cloudpay.testing import FixedClock
from cloudpay.wallets.masters import master_wallet
from cloudpay.webhooks.client import Outcome, WebhookClient
from cloudpay.webhooks.loop import DeliveryLoop
from cloudpay.webhooks.states import DeliveryStatus
from tests.cloudpay.shop import Shop


class Friendly(WebhookClient):
    """An endpoint that takes everything."""

    def post(self, *_call: object, **_more: object) -> Outcome:
        return Outcome(DeliveryStatus.SUCCEEDED, 200)


@pytest.fixture
def passed() -> Iterator[set[Failpoint]]:
    """The failpoints that were passed."""
    found: set[Failpoint] = set()
    for place in Failpoint:
        failpoints.arm(place, partial(found.add, place), again=True)
    yield found
    failpoints.disarm()


def lose_lease(shop: Shop) -> None:
    """Have a watcher of another machine take the network over."""
    loop = WatchLoop(shop.gateway, shop.watcher.network)
    shop.watcher.keeper.release()
    assert loop._keeper.hold() is not None

    def steal(session: Session) -> None:
        session.execute(update(LeaseRow).values(holder="another", token=LeaseRow.token + 1))

    shop.gateway.db.run(steal)
    watcher = type(shop.watcher)(shop.gateway, shop.watcher.network, shop.watcher.adapter, loop._keeper)
    shop.chain.mine()
    loop._poll(watcher)


def deliver(shop: Shop, passed: set[Failpoint]) -> None:
    """Run the loop that delivers until one webhook is through."""
    stop, wake = threading.Event(), threading.Event()
    loop = DeliveryLoop(shop.gateway, Friendly(shop.gateway.settings.webhooks))
    thread = threading.Thread(target=loop.run, args=(stop, wake), daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while Failpoint.DELIVERY_COMMITTED not in passed and time.monotonic() < deadline:
        wake.wait(0.02)
    stop.set()
    wake.set()
    thread.join(20)


def fund_master(shop: Shop) -> None:
    """Have money come to the master wallet, until it is booked."""
    network = shop.gateway.chains.network("evm")
    merchant = shop.principal.merchant_id
    shop.chain.send(master_wallet(shop.gateway, network, merchant).address, 10**6)
    for _ in range(8):
        shop.mine()


def test_f110_money_comes_by_every_failpoint(
    open_shop_with: Callable[..., Shop],
    client: FlaskClient,
    headers: dict[str, str],
    clock: FixedClock,
    passed: set[Failpoint],
) -> None:
    shop = open_shop_with("evm")
    shop.chain.capabilities = Capability.TOKENS | Capability.HISTORY  # no traces: balances are looked at
    body = {
        "amount": "1", "currency": "ETH", "network": "evm", "customer_name": "John Doe",
        "notification_emails": "shop@example.com",
    }  # fmt: skip
    asked = client.post("/api/invoice", json=body, headers={**headers, "Idempotency-Key": "order-1"})
    assert asked.status_code == 201
    invoice, unpaid = shop.ask(), shop.ask()
    shop.pay(invoice)
    shop.mine()
    shop.chain.reorg(1)
    shop.mine(6)
    shop.rescan(1, shop.chain.height)
    deliver(shop, passed)
    shop.watcher.keeper._renew_at = 0.0
    clock.advance(timedelta(hours=2))
    shop.mine(2)
    shop.mine()
    expire_due(shop.gateway)
    assert shop.state(unpaid).status == "expired"
    fund_master(shop)
    lose_lease(shop)
    # Those of money out: test_kills.py of transactions and of payouts, and tests/cloudpay/sweeps/test_faults.py.
    out = {
        place for place in Failpoint if place.startswith(("send.", "payout.", "sweep.", "top_up.", "cold."))
    }
    assert set(Failpoint) - passed - out == set()
