"""The ledger is in step with a real chain at every block, whether the watcher or the sender is behind."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from cloudpay.kernel.secrets import KEY_BYTES
from cloudpay.reconciliation.service import Patience, Reconciliation, reconcile
from cloudpay_devnet.chain import DevChain
from tests.flows.databases import NewDatabase
from tests.flows.realshop import RealShop, network_table, open_real_shop
from tests.flows.tills import Till, open_till

pytestmark = pytest.mark.flow

ETHER = 10**18
FINAL_AFTER = 4


@dataclass
class Books:
    """A shop and its till on a chain that mines when it is told."""

    till: Till

    @property
    def shop(self) -> RealShop:
        return self.till.shop

    @property
    def chain(self) -> DevChain:
        return self.till.shop.chain

    @property
    def master(self) -> str:
        return self.till.master.address

    def compare(self) -> Reconciliation:
        return reconcile(self.shop.gateway, "evm", Patience(lambda: None))

    def drifts(self) -> Mapping[tuple[str, str], int]:
        """Answer the drifts by place and symbol."""
        symbols = {each.key: each.symbol for each in self.till.network.assets}
        return {(each.pot.place.value, symbols[each.pot.asset]): each.drift for each in self.compare().drifts}

    def step(self, blocks: int = 1) -> None:
        """Mine block by block; after each one the watcher looks, then the sender, and the books agree each time."""
        for _ in range(blocks):
            self.chain.node.mine()
            assert not self.drifts(), "the watcher is behind"
            self.shop.look()
            assert not self.drifts(), "the sender is behind"
            self.till.sender.work(look=True)
            assert not self.drifts()


@pytest.fixture(params=["on", "off"], ids=["by-traces", "without"])
def books(request: pytest.FixtureRequest, tmp_path: Path, new_database: NewDatabase) -> Iterator[Books]:
    """Coins and tokens in the master wallet, sent there from outside."""
    with DevChain.start("evm") as chain:
        chain.node.set_automine(False)
        table = network_table(chain, traces=request.param, confirmations=FINAL_AFTER)
        with open_real_shop(tmp_path, new_database(), {"evm": chain}, {"evm": table}) as shop:
            shop.gateway.settings.seal_key_path.write_text(base64.b64encode(bytes(KEY_BYTES)).decode())
            opened = Books(open_till(shop))
            chain.fund(opened.master, "ETH", 5 * ETHER)
            chain.fund(opened.master, "USDT", 10**9)
            shop.mine(FINAL_AFTER + 1)
            opened.till.price()
            yield opened


def test_payments_payouts_and_money_from_outside_leave_no_drift_at_any_block(books: Books) -> None:
    shop, chain = books.shop, books.chain
    coins, tokens = shop.ask("1", "ETH"), shop.ask("10", "USDT")
    under, late = shop.ask("10", "USDT"), shop.ask("10", "USDT")
    chain.pay("ETH", coins.option.address, ETHER)
    chain.pay("USDT", tokens.option.address, 10_000_000)
    chain.pay("USDT", under.option.address, 3)
    chain.pay("ETH", tokens.option.address, 7)  # native coins for an invoice in tokens
    chain.pay_through_contract(coins.option.address, 11)
    chain.fund(books.master, "USDT", 13)
    books.till.pay("ETH", 1_000, "coin-0", "coin-1")
    books.till.pay("USDT", 2_000, "token-0")
    while books.till.sender.work():
        pass
    books.step(FINAL_AFTER + 2)
    assert books.till.statuses("coin-0", "coin-1", "token-0") == {"confirmed"}
    shop.advance(timedelta(hours=2))
    books.step(2)
    chain.pay("USDT", late.option.address, 10_000_000)
    books.step(FINAL_AFTER + 1)
    found = {(each.pot.place.value, each.pot.asset): each for each in books.compare().pots}
    usdt = books.till.network.asset("USDT").key
    assert found["deposits", ""].ledger == ETHER + 7 + 11
    assert found["deposits", usdt].ledger == 20_000_003
    assert found["master", usdt].ledger == 10**9 + 13 - 2_000
    assert all(each.pending == each.doubtful == 0 and each.ledger == each.chain for each in found.values())
