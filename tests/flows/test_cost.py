"""What watching a real node costs in calls, each call of a batch counted: the same for few invoices and for many."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bench.shops import Shop as Filled
from bench.shops import add_open_invoices
from cloudpay.invoices.states import InvoiceStatus
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.faultproxy import Answered, FaultProxy
from tests.flows.realshop import RealShop, network_table, open_real_shop

STRANGER = "0x000000000000000000000000000000000000bEEF"
NO_TRACES = Answered(error={"code": -32601, "message": "the method does not exist"})
ETHER = 10**18


@contextmanager
def _open(folder: Path, database: str | None, **changes: Any) -> Iterator[tuple[RealShop, FaultProxy]]:
    with DevChain.start("evm") as chain, FaultProxy(chain.node.rpc_url) as proxy:
        if changes.pop("untraced", False):
            proxy.on_call = lambda call: NO_TRACES if "trace" in call["method"] else None
        table = network_table(chain, rpc_urls=[proxy.url], **changes)
        with open_real_shop(folder, database, {"evm": chain}, {"evm": table}) as shop:
            yield shop, proxy


def _fill(shop: RealShop, symbol: str, numbers: range) -> None:
    """Have so many open invoices; the clock of the tables is the shop's."""
    filled = Filled(shop.gateway, shop.principal.merchant_id, "", shop.principal)
    add_open_invoices(filled, shop.gateway.chains.network("evm").asset(symbol), numbers)


def _poll(shop: RealShop, proxy: FaultProxy) -> list[str]:
    """Poll once; answer the methods that were called."""
    proxy.calls.clear()
    shop.watchers["evm"].poll()
    return proxy.methods()


@pytest.mark.parametrize(
    ("way", "symbol", "most", "many"),
    [
        ({"watch_native": False}, "USDT", 3, 10_000),
        ({"watch_native": True}, "ETH", 5, 1_000),
        ({"watch_native": True, "untraced": True}, "ETH", 5, 10_000),
    ],
    ids=["tokens", "traces", "balances"],
)
def test_f99_a_poll_costs_the_same_with_no_invoice_with_100_and_with_thousands(
    tmp_path: Path, database_url: str, way: dict[str, Any], symbol: str, most: int, many: int
) -> None:
    with _open(tmp_path, database_url, **way) as (shop, proxy):
        there, asked, quiet = 0, [], []
        for count in (0, 100, many):
            _fill(shop, symbol, range(there, count))
            there = count
            shop.chain.pay(symbol, STRANGER, 1)
            asked.append(_poll(shop, proxy))
            quiet.append(_poll(shop, proxy))
        assert len(asked[0]) == len(asked[1]) == len(asked[2]) <= most, asked
        assert [len(each) for each in quiet] == [1, 1, 1], quiet


def test_f11_among_thousands_of_open_invoices_money_from_a_contract_is_found(
    tmp_path: Path, database_url: str
) -> None:
    with _open(tmp_path, database_url, untraced=True) as (shop, proxy):
        _fill(shop, "ETH", range(4_000))
        invoice = shop.ask("1", "ETH")
        shop.chain.pay_through_contract(invoice.option.address, ETHER)
        proxy.calls.clear()
        for _ in range(4_000 // 1_500 + 1):  # each poll looks at 1,500 addresses
            shop.advance(timedelta(seconds=12))
            shop.mine()
        shop.mine(2)
        assert shop.state(invoice).status is InvoiceStatus.PAID
        assert "eth_getBalance" not in proxy.methods()


def test_a_node_that_answers_one_balance_at_a_time_is_not_asked_for_more_than_a_budget(
    tmp_path: Path, database_url: str
) -> None:
    with _open(tmp_path, database_url, traces="off") as (shop, proxy):
        proxy.on_call = lambda call: (
            Answered(error={"code": -32602, "message": "missing `to`"})
            if call["method"] == "eth_call" and "to" not in call["params"][0]
            else None
        )
        shop.verify()
        _fill(shop, "ETH", range(500))
        for _ in range(2):
            shop.chain.pay("ETH", STRANGER, 1)
            assert _poll(shop, proxy).count("eth_getBalance") == 100
