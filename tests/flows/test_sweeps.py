"""Deposit addresses of a real chain are collected: what they and the master wallet hold is what is booked."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cloudpay.alerts.service import alert_views
from cloudpay.kernel.secrets import KEY_BYTES
from cloudpay.ledger.types import AccountKind
from cloudpay.sweeps.manual import waiting
from cloudpay.sweeps.models import UnsweptRow
from cloudpay.transactions.models import SpendRow
from cloudpay_devnet.chain import DevChain
from tests.flows.counters import TURNS, Counter, open_counter
from tests.flows.databases import NewDatabase
from tests.flows.realshop import network_table, open_real_shop

pytestmark = pytest.mark.flow

ETHER = 10**18
DOLLAR = 10**6


def gas(chain: DevChain, spend: SpendRow) -> int:
    """Answer the gas that a spend's transaction took."""
    receipt: Any = chain.node.rpc.call("eth_getTransactionReceipt", spend.tx_id)
    return int(receipt["gasUsed"], 16)


@pytest.fixture(params=["on", "off"], ids=["by-traces", "without"])
def counter(request: pytest.FixtureRequest, tmp_path: Path, new_database: NewDatabase) -> Iterator[Counter]:
    """A counter with an ether in its master wallet, on a chain of its own."""
    with DevChain.start("evm") as chain:
        table = network_table(chain, traces=request.param)
        with open_real_shop(tmp_path, new_database(), {"evm": chain}, {"evm": table}) as shop:
            shop.gateway.settings.seal_key_path.write_text(base64.b64encode(bytes(KEY_BYTES)).decode())
            yield open_counter(shop, ETHER)


def test_coins_and_tokens_reach_the_master_wallet_and_every_base_unit_is_booked(counter: Counter) -> None:
    coins = counter.paid("ETH", ETHER // 50)
    tokens = counter.paid("USDT", 25 * DOLLAR)
    counter.finish(spends=2)
    for symbol in ("ETH", "USDT"):
        counter.agree(symbol)
    assert counter.shop.chain.balance("USDT", counter.master) == 25 * DOLLAR
    assert counter.shop.chain.balance("USDT", tokens.option.address) == 0
    assert counter.booked("USDT")[AccountKind.DEPOSITS] == 0
    [top_up] = counter.spends("top_up")
    [of_tokens] = [each for each in counter.spends("sweep") if each.asset]
    left = counter.shop.chain.balance("ETH", tokens.option.address)
    assert left == top_up.amount - (of_tokens.fee or 0)
    assert counter.shop.chain.balance("ETH", coins.option.address) < ETHER // 50 // 100
    chain = counter.shop.chain
    print(  # noqa: T201  # what docs/how-to/collect.md tells
        f"gas of a swept token deposit: {gas(chain, of_tokens)} + {gas(chain, top_up)} for its top-up"
    )


def test_f23_nothing_that_we_move_ourselves_is_a_payment_or_comes_from_outside(counter: Counter) -> None:
    invoices = [counter.paid("ETH", ETHER // 50), counter.paid("USDT", 25 * DOLLAR)]
    counter.finish(spends=2)
    assert [len(counter.shop.state(each).payments) for each in invoices] == [1, 1]
    assert counter.booked("ETH")[AccountKind.FUNDING] == -ETHER
    assert AccountKind.FUNDING not in counter.booked("USDT")
    assert counter.booked("ETH")[AccountKind.RECEIPTS] == -(ETHER // 50)
    assert alert_views(counter.shop.gateway) == []


def test_what_a_contract_pays_to_an_address_that_was_collected_counts_in_full(counter: Counter) -> None:
    invoice = counter.paid("ETH", ETHER // 50)
    counter.finish(spends=1)
    counter.shop.chain.pay_through_contract(invoice.option.address, ETHER // 100)
    counter.shop.finish()
    counter.shop.finish()
    amounts = [each.amount for each in counter.shop.state(invoice).payments]
    assert amounts == [ETHER // 50, ETHER // 100]
    counter.finish(spends=2)
    counter.agree("ETH")


def test_f20_a_paused_token_stays_and_is_listed_and_goes_when_it_may(counter: Counter) -> None:
    counter.paid("USDT", 25 * DOLLAR)
    counter.shop.chain.pause_token("USDT")
    for _ in range(3):
        counter.turn()
    network = counter.shop.gateway.chains.network("evm")
    [line] = [each for each in waiting(counter.shop.gateway, network) if each.asset == "USDT"]
    assert (line.action, line.amount) == ("leave", "25.00")
    assert {each.status for each in counter.spends("sweep")} == {"failed"}
    counter.agree("USDT")
    counter.shop.chain.pause_token("USDT", paused=False)
    counter.shop.clock.advance(timedelta(hours=1))
    for _ in range(TURNS):
        counter.turn()
        with counter.shop.gateway.db.read() as session:
            if not session.scalars(select(UnsweptRow).where(UnsweptRow.asset != "")).all():
                break
    assert counter.shop.chain.balance("USDT", counter.master) == 25 * DOLLAR
    counter.agree("USDT")
    counter.agree("ETH")
