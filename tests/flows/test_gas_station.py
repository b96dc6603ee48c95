"""A gas station of its own on a real chain: it fuels a token's sweep, and what is left of it comes home."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from cloudpay.alerts.service import alert_views
from cloudpay.kernel.secrets import KEY_BYTES
from cloudpay.kernel.sections import Sweeps
from cloudpay.ledger.audit import check
from cloudpay.ledger.types import AccountKind
from cloudpay.sweeps.manual import sweep_now
from cloudpay.transactions.service import want_quotes
from cloudpay.wallets.gas_choice import GasStationView, set_gas_station
from cloudpay.wallets.masters import master_wallet
from cloudpay_devnet.chain import DevChain
from tests.flows.databases import NewDatabase
from tests.flows.realshop import network_table, open_real_shop
from tests.flows.test_sending import new_sender
from tests.flows.test_sweeps import DOLLAR, ETHER, TURNS, Counter

pytestmark = pytest.mark.flow


@pytest.fixture
def counter(tmp_path: Path, new_database: NewDatabase) -> Iterator[Counter]:
    """A shop that collects, with an ether in its master wallet."""
    with DevChain.start("evm") as chain:
        table = network_table(chain, traces="off")
        with open_real_shop(tmp_path, new_database(), {"evm": chain}, {"evm": table}) as shop:
            shop.gateway.settings.seal_key_path.write_text(base64.b64encode(bytes(KEY_BYTES)).decode())
            collecting = Sweeps(every_seconds=1, fee_share_percent="50")
            settings = msgspec.structs.replace(shop.gateway.settings, sweeps=collecting)
            shop.gateway = replace(shop.gateway, settings=settings)
            network = shop.gateway.chains.network("evm")
            master = master_wallet(shop.gateway, network, shop.principal.merchant_id).address
            shop.look()
            chain.fund(master, "ETH", ETHER)
            shop.finish()
            yield Counter(shop, new_sender(shop, network), master)


def choose(counter: Counter, *, own: bool) -> GasStationView:
    merchant = counter.shop.principal.merchant_id
    return set_gas_station(counter.shop.gateway, merchant, "evm", own=own, actor="cli:test")


def sent_home(counter: Counter) -> None:
    """Sweep by hand, and go on until what it has begun is final."""
    gateway = counter.shop.gateway
    gateway.db.run(lambda session: want_quotes(session, gateway, "evm"))
    counter.sender.work(look=True)
    sweep_now(gateway, gateway.chains.network("evm"), dry_run=False)
    for _ in range(TURNS):
        counter.turn()
        if [each.status for each in counter.spends("home")] == ["confirmed"]:
            counter.shop.look()
            return
    raise AssertionError([(each.kind, each.status, each.reason) for each in counter.spends()])


def test_it_fuels_a_sweep_and_comes_home_to_the_base_unit(counter: Counter) -> None:
    station, chain = choose(counter, own=True).address, counter.shop.chain
    counter.shop.look()
    chain.fund(station, "ETH", ETHER // 10)
    counter.shop.finish()
    assert counter.booked("ETH")[AccountKind.GAS] == ETHER // 10

    invoice = counter.paid("USDT", 25 * DOLLAR)
    counter.finish(spends=1)
    for symbol in ("ETH", "USDT"):
        counter.agree(symbol)
    assert chain.balance("USDT", counter.master) == 25 * DOLLAR
    assert chain.balance("ETH", counter.master) == ETHER
    [top_up], [swept] = counter.spends("top_up"), counter.spends("sweep")
    assert top_up.source == station
    rest = ETHER // 10 - top_up.amount - (top_up.fee or 0)
    assert chain.balance("ETH", station) == counter.booked("ETH")[AccountKind.GAS] == rest
    assert chain.balance("ETH", invoice.option.address) == top_up.amount - (swept.fee or 0)
    assert len(counter.shop.state(invoice).payments) == 1

    assert choose(counter, own=False).left_behind == rest
    sent_home(counter)
    [home] = counter.spends("home")
    counter.agree("ETH")
    assert chain.balance("ETH", counter.master) == ETHER + home.amount
    left = rest - home.amount - (home.fee or 0)
    assert chain.balance("ETH", station) == counter.booked("ETH")[AccountKind.GAS] == left
    assert left < home.amount // 100
    assert counter.booked("ETH")[AccountKind.GAS_RESERVED] == 0
    assert counter.booked("ETH")[AccountKind.FUNDING] == -ETHER - ETHER // 10
    assert check(counter.shop.gateway) == []
    assert alert_views(counter.shop.gateway) == []
