"""Ledger and chain on a real node: no drift in an honest run, and one base unit moved behind our back is seen."""

import base64
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from cloudpay.alerts.service import alert_views
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.types import Holding
from cloudpay.kernel.secrets import KEY_BYTES
from cloudpay.ledger.pots import Place
from cloudpay.reconciliation.loop import ReconcileLoop
from cloudpay.reconciliation.service import Patience, Reconciliation, reconcile
from cloudpay.wallets.lying import CHUNK, lying_at
from cloudpay_devnet.chain import DevChain
from tests.flows.databases import NewDatabase
from tests.flows.realshop import RealShop, network_table, open_real_shop
from tests.flows.tills import Till, open_till, recipient

pytestmark = pytest.mark.flow

ETHER = 10**18
FINAL_AFTER = 4
RUNTIME_THAT_REVERTS = "0x60006000fd"
"""PUSH1 0, PUSH1 0, REVERT: it takes no coins."""


@dataclass
class House:
    """A shop and its till on one chain that mines when it is told."""

    till: Till

    @property
    def shop(self) -> RealShop:
        """The shop."""
        return self.till.shop

    @property
    def master(self) -> str:
        """The address of the master wallet."""
        return self.till.master.address

    def mine(self, blocks: int = 1) -> None:
        """Mine, watch, and look what became of what was sent."""
        self.shop.mine(blocks)
        self.till.sender.work(look=True)

    def compare(self) -> Reconciliation:
        """Hold the ledger against the chain, without a pause."""
        return reconcile(self.shop.gateway, self.shop.code, Patience(lambda: None))

    def drifts(self) -> Mapping[tuple[str, str], int]:
        """Answer the drifts by place and symbol."""
        network = self.till.network
        return {
            (each.pot.place.value, asset.symbol): each.drift
            for each in self.compare().drifts
            if (asset := network.asset_of(each.pot.asset)) is not None
        }

    def set_balance(self, address: str, units: int) -> None:
        """Have native coins appear or disappear by no transfer."""
        self.shop.chain.node.rpc.call("anvil_setBalance", address, hex(units))


@pytest.fixture(scope="module", params=["on", "off"], ids=["by-traces", "without"])
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase
) -> Iterator[House]:
    """A house whose blocks are final after four, with coins and tokens that came from outside."""
    folder: Path = tmp_path_factory.mktemp("reconcile")
    with DevChain.start("evm") as chain:
        chain.node.set_automine(False)
        table = network_table(chain, traces=request.param, confirmations=FINAL_AFTER, in_flight=1_000)
        with open_real_shop(folder, new_database(), {"evm": chain}, {"evm": table}) as shop:
            shop.gateway.settings.seal_key_path.write_text(base64.b64encode(bytes(KEY_BYTES)).decode())
            made = House(open_till(shop))
            chain.pay("ETH", made.master, 5 * ETHER)
            chain.pay("USDT", made.master, 10**9)
            made.till.price()
            made.mine(FINAL_AFTER + 1)
            yield made


def test_an_honest_run_agrees_at_every_block_to_the_base_unit(house: House) -> None:
    chain = house.shop.chain
    coins, tokens = house.shop.ask("1", "ETH"), house.shop.ask("25", "USDT")
    chain.pay("ETH", coins.option.address, ETHER)
    chain.pay("USDT", tokens.option.address, 25_000_001)
    house.till.pay("ETH", 1_000, "coin-1", "coin-2")
    house.till.pay("USDT", 5_000_000, "token-1")
    house.till.sender.work()
    for _ in range(FINAL_AFTER + 2):
        house.mine()
        assert not house.drifts()
    assert house.till.statuses("coin-1", "coin-2", "token-1") == {"confirmed"}
    found = {each.pot: each.chain for each in house.compare().pots}
    assert sorted(units for pot, units in found.items() if pot.place is Place.DEPOSITS) == [25_000_001, ETHER]


def test_a_payout_that_reverts_on_the_chain_costs_its_fee_and_no_more(house: House) -> None:
    before = house.till.books("ETH")
    house.till.pay("ETH", 1_000, "reverts")
    house.till.sender.work()
    house.shop.chain.node.rpc.call("anvil_setCode", recipient("reverts"), RUNTIME_THAT_REVERTS)
    for _ in range(FINAL_AFTER + 2):
        house.mine()
        assert not house.drifts()
    assert house.till.statuses("reverts") == {"failed"}
    assert 0 < before - house.till.books("ETH") < ETHER // 100


def test_a_base_unit_moved_behind_our_back_is_seen_told_once_and_over_when_it_is_back(house: House) -> None:
    chain, gateway = house.shop.chain, house.shop.gateway
    loop, stop = ReconcileLoop(gateway), threading.Event()
    had = chain.balance("ETH", house.master)
    house.set_balance(house.master, had - 1)
    house.mine(FINAL_AFTER + 1)
    assert house.drifts() == {("master", "ETH"): -1}
    for _ in range(2):
        loop.turn(stop)
        house.shop.clock.advance(timedelta(hours=1))
    assert [each.kind for each in alert_views(gateway)] == [AlertKind.LEDGER_DIFFERS]
    house.set_balance(house.master, had)
    house.mine(FINAL_AFTER + 1)
    loop.turn(stop)
    assert not alert_views(gateway)
    assert not house.drifts()


def test_thousands_of_addresses_are_asked_in_few_calls(house: House) -> None:
    adapter = house.shop.gateway.chains.adapter("evm")
    at = adapter.head().final
    asked = [Holding(f"0x{2**150 + number:040x}", None) for number in range(3 * CHUNK)]
    [before] = adapter.health()
    found = lying_at(house.shop.gateway, "evm", asked, at, lambda _part, _whole: None)
    [after] = adapter.health()
    assert set(found.values()) == {0}
    assert after.calls - before.calls <= 10
