"""A merchant's master wallet on a real node: what is sent there is booked once, and its balance is told over HTTP."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from werkzeug.serving import make_server

from cloudpay.alerts.service import alert_views
from cloudpay.alerts.states import AlertKind
from cloudpay.app import create_app
from cloudpay.wallets.freezes import frozen
from cloudpay.wallets.masters import master_wallet
from cloudpay_devnet.chain import DevChain
from tests.flows.databases import NewDatabase
from tests.flows.forking import FILLER, MOVED, Fork
from tests.flows.realshop import RealShop, network_table, open_real_shop

pytestmark = pytest.mark.flow

ETHER = 10**18
FINAL_AFTER = 6


@pytest.fixture(scope="module", params=["on", "off"], ids=["by-traces", "without"])
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase
) -> Iterator[RealShop]:
    """A shop on a chain of its own that mines when it is told."""
    folder: Path = tmp_path_factory.mktemp("master-wallet")
    with DevChain.start("evm") as chain:
        for account in (FILLER, MOVED):
            chain.fund(account, "USDT", 10**12)
        chain.node.set_automine(False)
        table = network_table(chain, traces=request.param, confirmations=FINAL_AFTER)
        with open_real_shop(folder, new_database(), {"evm": chain}, {"evm": table}) as opened:
            yield opened


@pytest.fixture(scope="module")
def base_url(shop: RealShop) -> Iterator[str]:
    """The gateway's API behind a real socket."""
    server = make_server("127.0.0.1", 0, create_app(gateway=shop.gateway), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


def ask(shop: RealShop, base_url: str, symbol: str) -> dict[str, Any]:
    """Answer the balance route."""
    token = shop.chain.asset(symbol).token_address
    query = "network=evm" + (f"&token_address={token}" if token else "")
    request = Request(f"{base_url}/api/user/balance?{query}", headers=dict(shop.headers))
    with urlopen(request, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def told(shop: RealShop, base_url: str, symbol: str) -> tuple[str, str]:
    found = ask(shop, base_url, symbol)
    return found["balance"], found["available"]


def master(shop: RealShop) -> str:
    network = shop.gateway.chains.network("evm")
    return master_wallet(shop.gateway, network, shop.principal.merchant_id).address


def test_coins_and_tokens_are_booked_once_also_after_a_reorganisation(shop: RealShop, base_url: str) -> None:
    address, fork = master(shop), Fork(shop.chain)
    assert ask(shop, base_url, "ETH")["address"] == address
    fork.begin()
    coins = shop.chain.pay("ETH", address, 2 * ETHER)
    shop.mine(2)
    assert told(shop, base_url, "ETH") == ("2.00", "0.00")
    fork.mine_again(fork.raw(coins), 2)
    shop.look()
    fork.begin()
    tokens = shop.chain.transfer(MOVED, "USDT", address, 5_000_000)
    shop.mine(2)
    fork.mine_again(fork.raw(tokens), 2)
    shop.look()
    shop.mine(FINAL_AFTER)
    assert told(shop, base_url, "ETH") == ("2.00", "2.00")
    assert told(shop, base_url, "USDT") == ("5.00", "5.00")
    shop.rescan(1, shop.chain.node.block_number())
    shop.mine(2)
    assert told(shop, base_url, "ETH") == ("2.00", "2.00")
    found = ask(shop, base_url, "USDT")
    assert found["block_height"] == shop.chain.node.block_number()
    assert (found["reserved"], found["unswept"]) == ("0.00", "0.00")


def test_what_a_reorganisation_drops_is_not_available(shop: RealShop, base_url: str) -> None:
    before, fork = ask(shop, base_url, "ETH")["available"], Fork(shop.chain)
    fork.begin()
    shop.chain.pay("ETH", master(shop), 3 * ETHER)
    shop.mine(2)
    fork.leave()
    shop.mine(4)
    shop.mine(FINAL_AFTER)
    assert told(shop, base_url, "ETH") == (before, before)


def test_what_somebody_else_signs_away_is_booked_and_freezes_the_network(
    shop: RealShop, base_url: str
) -> None:
    address, rpc = master(shop), shop.chain.node.rpc
    rpc.call("anvil_impersonateAccount", address)
    tx = shop.chain.transfer(address, "ETH", FILLER, ETHER)
    shop.mine(1)
    shop.mine(FINAL_AFTER)
    balance, available = told(shop, base_url, "ETH")
    assert available == "1.00"
    assert balance.startswith("0.99"), "less the fee, which nobody booked"
    [alert] = [each for each in alert_views(shop.gateway) if each.kind is AlertKind.OUTSIDE_SPEND]
    assert alert.subject == f"evm/{tx}"
    with shop.gateway.db.read() as session:
        assert frozen(session, "evm") is not None
