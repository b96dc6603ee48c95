"""Large payments that wait for a second node: each has its turn, however many are never confirmed."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from cloudpay.alerts.service import alert_views
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.adapter import Opinion
from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.types import BlockRef, Capability
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.invoices.views import InvoiceView
from cloudpay.payments.opinions import LargeCredits
from cloudpay.payments.states import NetworkStatus
from tests.cloudpay.payments.looping import view
from tests.cloudpay.shop import Shop


class SecondNode:
    """Says what a test has it say of a block at a height, and agrees to the others."""

    def __init__(self) -> None:
        self.said: dict[int, Opinion] = {}
        self.asked: list[list[int]] = []

    def second_opinions(self, blocks: Collection[BlockRef]) -> Mapping[BlockRef, Opinion]:
        """Answer them."""
        self.asked.append(sorted(block.height for block in blocks))
        return {block: self.said.get(block.height, Opinion.AGREED) for block in blocks}


@pytest.fixture
def second() -> SecondNode:
    return SecondNode()


@pytest.fixture
def shop(open_shop_with: Callable[..., Shop], second: SecondNode, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop that asks a second node, two blocks at a look."""
    monkeypatch.setattr("cloudpay.payments.opinions._MOST", 2)
    opened = open_shop_with("evm", assets={"USDT": {"large_amount": "1000"}})
    opened.chain.capabilities |= Capability.SECOND_OPINION
    chain: Any = opened.chain
    chain.second_opinions = second.second_opinions
    return opened


def pay_in_blocks(shop: Shop, count: int) -> dict[int, InvoiceView]:
    """Have large invoices paid in a block each; answer them by height."""
    paid = {}
    for _ in range(count):
        invoice = shop.ask("1000")
        shop.pay(invoice)
        shop.chain.mine()
        paid[shop.chain.height] = invoice
    return paid


def test_f43_blocks_that_no_second_node_confirms_do_not_keep_others_waiting(
    shop: Shop, second: SecondNode
) -> None:
    paid = pay_in_blocks(shop, 6)
    unheard, agreed = list(paid)[:4], list(paid)[4:]
    second.said = dict.fromkeys(unheard, Opinion.UNHEARD)
    for _ in range(6):
        shop.mine()
    assert [shop.state(paid[each]).status for each in agreed] == [InvoiceStatus.PAID] * 2
    assert [shop.state(paid[each]).status for each in unheard] == [InvoiceStatus.CONFIRMING] * 4
    assert {len(each) for each in second.asked} == {2}, "a look costs what it did"
    second.said.clear()
    for _ in range(3):
        shop.mine()
    assert {shop.state(each).status for each in paid.values()} == {InvoiceStatus.PAID}


def test_f43_a_dispute_is_an_alert_also_while_others_have_their_turn(shop: Shop, second: SecondNode) -> None:
    paid = pay_in_blocks(shop, 6)
    first, *others = paid
    second.said = {first: Opinion.DISPUTED, **dict.fromkeys(others, Opinion.UNHEARD)}
    shop.mine(3)
    opened = set()
    for _ in range(6):
        shop.mine()
        opened |= {each.id for each in alert_views(shop.gateway) if each.kind is AlertKind.NODES_DISAGREE}
    assert len(opened) == 1, "it was opened once, and never cleared"
    assert {each.kind for each in alert_views(shop.gateway)} == {AlertKind.NODES_DISAGREE}
    second.said.clear()
    for _ in range(4):
        shop.mine()
    assert alert_views(shop.gateway) == []
    assert shop.state(paid[first]).status is InvoiceStatus.PAID


def test_f43_a_large_amount_in_parts_of_one_block_waits_for_a_second_node(
    shop: Shop, second: SecondNode
) -> None:
    invoice, other = shop.ask("2000"), shop.ask("999")
    for _ in range(3):
        shop.pay(invoice, 999_000_000)
    shop.pay(other)
    shop.chain.mine()
    paid = shop.chain.height
    second.said = {paid: Opinion.DISPUTED}
    shop.mine(6)
    assert shop.state(invoice).status is InvoiceStatus.CONFIRMING
    assert shop.state(other).status is InvoiceStatus.PAID
    assert shop.held() == 999_000_000
    second.said.clear()
    shop.mine()
    assert shop.state(invoice).status is InvoiceStatus.PAID


def test_f43_a_large_amount_in_parts_of_many_blocks_waits_from_the_part_on_that_makes_it_large(
    shop: Shop, second: SecondNode
) -> None:
    invoice = shop.ask("2000")
    for _ in range(3):
        shop.pay(invoice, 999_000_000)
        second.said[shop.chain.height + 1] = Opinion.UNHEARD
        shop.mine()
        shop.mine(6)
    assert shop.held() == 999_000_000, "no more is credited without a second node than is not large"
    second.said.clear()
    shop.mine(2)
    assert shop.state(invoice).status is InvoiceStatus.PAID
    assert shop.held() == 2_997_000_000


def test_a_poll_asks_the_database_as_much_for_a_hundred_parts_as_for_one(shop: Shop) -> None:
    def statements(parts: int) -> int:
        invoice, asked = shop.ask("5000"), list[str]()
        for _ in range(parts):
            shop.pay(invoice, 1_000_000)
        shop.mine(2)
        large = LargeCredits(shop.gateway, shop.watcher.network, shop.watcher.adapter)

        def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            asked.append(statement)

        event.listen(shop.gateway.db.engine, "before_cursor_execute", note)
        large.confirmed(replace(shop.chain.head(), final=shop.chain.head().latest.ref))
        event.remove(shop.gateway.db.engine, "before_cursor_execute", note)
        return len([each for each in asked if each.startswith("SELECT")])

    assert statements(1) == statements(100)


@pytest.mark.parametrize("said", [Opinion.DISPUTED, Opinion.UNHEARD])
def test_f43_what_was_final_is_not_taken_back_on_the_word_of_one_node(
    shop: Shop, second: SecondNode, said: Opinion
) -> None:
    invoice = shop.ask("10")
    paid = shop.pay(invoice)
    shop.mine(6)
    assert shop.state(invoice).status is InvoiceStatus.PAID
    cursor = view(shop.gateway).cursor
    shop.chain.reorg(6, drop=[paid])
    first = shop.chain.height - 6
    second.said = dict.fromkeys(range(first, shop.chain.height + 1), said)
    with pytest.raises(NodeUnavailable, match="which was final, came with another hash"):
        shop.mine()
    assert (view(shop.gateway).cursor, shop.state(invoice).status) == (cursor, InvoiceStatus.PAID)
    second.said.clear()
    shop.mine()
    assert view(shop.gateway).status is NetworkStatus.PAUSED
    assert shop.state(invoice).status is InvoiceStatus.REVERSED
