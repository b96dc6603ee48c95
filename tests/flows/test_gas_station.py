"""A gas station of its own on real chains: it fuels a token's sweep, and what is left of it comes home."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudpay.alerts.service import alert_views
from cloudpay.kernel.secrets import KEY_BYTES
from cloudpay.ledger.audit import check
from cloudpay.ledger.types import AccountKind
from cloudpay.sweeps.manual import sweep_now
from cloudpay.transactions.models import SpendRow
from cloudpay.wallets.gas_choice import GasStationView, set_gas_station
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.tron.network import TronChain
from tests.flows.counters import TURNS, Counter, open_counter
from tests.flows.databases import NewDatabase
from tests.flows.realshop import network_table, open_real_shop
from tests.flows.test_sweeps import DOLLAR, ETHER
from tests.flows.tronshop import TRX, begin, open_tron_shop

pytestmark = pytest.mark.flow


@pytest.fixture
def counter(tmp_path: Path, new_database: NewDatabase) -> Iterator[Counter]:
    """A counter with an ether in its master wallet, on a chain of its own."""
    with DevChain.start("evm") as chain:
        table = network_table(chain, traces="off")
        with open_real_shop(tmp_path, new_database(), {"evm": chain}, {"evm": table}) as shop:
            shop.gateway.settings.seal_key_path.write_text(base64.b64encode(bytes(KEY_BYTES)).decode())
            yield open_counter(shop, ETHER)


def choose(counter: Counter, *, own: bool) -> GasStationView:
    merchant = counter.shop.principal.merchant_id
    return set_gas_station(counter.shop.gateway, merchant, counter.shop.code, own=own, actor="cli:test")


def sent_home(counter: Counter) -> None:
    """Sweep by hand, and go on until what it has begun is final."""
    counter.till.price()
    sweep_now(counter.shop.gateway, counter.till.network, dry_run=False)
    for _ in range(TURNS):
        counter.turn()
        if [each.status for each in counter.spends("home")] == ["confirmed"]:
            counter.shop.look()
            return
    raise AssertionError([(each.kind, each.status, each.reason) for each in counter.spends()])


def fuels_a_sweep_and_comes_home(counter: Counter, fuel: int) -> SpendRow:
    """Walk a gas station through its life, and hold every base unit; answers what brought its coins home."""
    station, chain = choose(counter, own=True).address, counter.shop.chain
    native = counter.till.network.native.symbol
    funds = chain.balance(native, counter.master)
    counter.shop.look()
    chain.fund(station, native, fuel)
    for _ in range(2):
        counter.shop.finish()  # TRON's own finality comes behind the confirmations
    assert counter.booked(native)[AccountKind.GAS] == fuel

    invoice = counter.paid("USDT", 100 * DOLLAR)
    counter.finish(spends=1)
    for symbol in (native, "USDT"):
        counter.agree(symbol)
    assert chain.balance("USDT", counter.master) == 100 * DOLLAR
    assert chain.balance(native, counter.master) == funds
    [top_up], [swept] = counter.spends("top_up"), counter.spends("sweep")
    assert top_up.source == station
    rest = fuel - top_up.amount - (top_up.fee or 0)
    assert chain.balance(native, station) == counter.booked(native)[AccountKind.GAS] == rest
    assert chain.balance(native, invoice.option.address) == top_up.amount - (swept.fee or 0)
    assert len(counter.shop.state(invoice).payments) == 1

    assert choose(counter, own=False).left_behind == rest
    sent_home(counter)
    [home] = counter.spends("home")
    counter.agree(native)
    assert chain.balance(native, counter.master) == funds + home.amount
    left = rest - home.amount - (home.fee or 0)
    assert chain.balance(native, station) == counter.booked(native)[AccountKind.GAS] == left
    assert counter.booked(native)[AccountKind.GAS_RESERVED] == 0
    assert counter.booked(native)[AccountKind.FUNDING] == -funds - fuel
    assert check(counter.shop.gateway) == []
    assert alert_views(counter.shop.gateway) == []
    return home


def test_it_fuels_a_sweep_and_comes_home_to_the_wei(counter: Counter) -> None:
    home = fuels_a_sweep_and_comes_home(counter, ETHER // 10)
    assert home.amount > ETHER // 10 * 98 // 100


def test_it_fuels_a_sweep_and_comes_home_to_the_sun(
    tmp_path: Path, tron_process: TronChain, new_database: NewDatabase
) -> None:
    with open_tron_shop(tmp_path, begin(tron_process), new_database()) as shop:
        home = fuels_a_sweep_and_comes_home(open_counter(shop, 1_000 * TRX), 100 * TRX)
    assert home.amount > 90 * TRX
