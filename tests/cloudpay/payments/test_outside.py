"""Money that comes to master wallets from outside, and what leaves an address of ours that we did not sign."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cloudpay.alerts.service import alert_views
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.types import BlockRef, Capability, Page, Transfer, TransferSource, Watch
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.ledger.types import AccountKind
from cloudpay.payments.networks import resume
from cloudpay.testing.ledger import Move
from tests.cloudpay.payments.outside import (
    ETHER,
    booked,
    fund,
    master,
    rows,
    sign,
    spends_told,
    usdt,
    why_frozen,
)
from tests.cloudpay.shop import Shop

# What comes in


def test_coins_and_tokens_from_outside_are_booked_when_they_are_final(shop: Shop) -> None:
    shop.chain.send(master(shop), ETHER)
    shop.chain.send(master(shop), 5_000_000, usdt(shop))
    shop.mine(1)
    assert booked(shop, AccountKind.MASTER) == 0
    shop.mine(3)
    assert booked(shop, AccountKind.MASTER) == ETHER
    assert booked(shop, AccountKind.MASTER, usdt(shop)) == 5_000_000
    assert booked(shop, AccountKind.FUNDING) == -ETHER
    assert not why_frozen(shop)
    assert not spends_told(shop)


def test_a_transaction_of_ours_is_not_money_from_outside(shop: Shop) -> None:
    sign(shop, shop.chain.send(master(shop), ETHER))
    shop.mine(4)
    assert booked(shop, AccountKind.MASTER) == 0
    assert not rows(shop)


def test_a_token_that_is_not_listed_and_nothing_at_all_are_not_booked(shop: Shop) -> None:
    shop.chain.send(master(shop), 5, "0xnot listed")
    shop.chain.transact(Move(shop.chain.payer, master(shop), 0, usdt(shop)))
    shop.mine(4)
    assert not rows(shop)


def test_native_money_that_a_contract_sends_is_booked_where_nodes_trace(shop: Shop) -> None:
    shop.chain.capabilities |= Capability.TRACES
    shop.chain.send(master(shop), ETHER, via_contract=True)
    shop.mine(4)
    assert booked(shop, AccountKind.MASTER) == ETHER
    assert [each.source for each in rows(shop)] == ["trace"]


def test_f8_many_transfers_of_one_transaction_are_booked_each_once(shop: Shop) -> None:
    payer, wallet = shop.chain.payer, master(shop)
    amounts = [1, 1, 2, 3, 1]
    shop.chain.transact(*(Move(payer, wallet, amount, usdt(shop)) for amount in amounts))
    shop.mine(4)
    assert booked(shop, AccountKind.MASTER, usdt(shop)) == sum(amounts)
    assert sorted(each.ordinal for each in rows(shop)) == [0, 1, 2, 3, 4]
    shop.rescan(1, shop.chain.height)
    shop.mine(3)
    assert booked(shop, AccountKind.MASTER, usdt(shop)) == sum(amounts)


def test_f10_what_a_rescan_and_a_restart_read_again_is_booked_once(shop: Shop) -> None:
    fund(shop)
    assert shop.rescan(1, shop.chain.height) == 1
    shop.mine(4)
    assert booked(shop, AccountKind.MASTER) == ETHER
    assert len(rows(shop)) == 1


def test_one_transaction_pays_an_invoice_and_funds_the_master_wallet(shop: Shop) -> None:
    invoice = shop.ask("1", "ETH")
    payer = shop.chain.payer
    shop.chain.transact(
        Move(payer, invoice.option.address, ETHER, None), Move(payer, master(shop), 2 * ETHER, None)
    )
    shop.mine(4)
    assert shop.state(invoice).status is InvoiceStatus.PAID
    assert (shop.held(), booked(shop, AccountKind.MASTER)) == (ETHER, 2 * ETHER)


# Reorganisations


def test_f30_f32_what_is_mined_again_elsewhere_is_booked_once(shop: Shop) -> None:
    shop.chain.send(master(shop), ETHER)
    shop.mine(1)
    shop.chain.reorg(1)
    shop.mine(4)
    assert booked(shop, AccountKind.MASTER) == ETHER
    [row] = rows(shop)
    assert (row.status, row.credits) == ("final", 1)


def test_what_a_reorganisation_drops_is_never_booked(shop: Shop) -> None:
    tx = shop.chain.send(master(shop), ETHER)
    shop.mine(1)
    shop.chain.reorg(1, drop=[tx])
    shop.mine(4)
    assert booked(shop, AccountKind.MASTER) == 0
    assert [each.status for each in rows(shop)] == ["orphaned"]


def test_f31_a_reorganisation_past_finality_books_it_back_and_again(shop: Shop) -> None:
    fund(shop)
    shop.chain.reorg(4)
    shop.look()
    assert booked(shop, AccountKind.MASTER) == 0
    assert booked(shop, AccountKind.FUNDING) == 0
    resume(shop.gateway, shop.code, actor="cli:test")
    shop.verify()
    shop.mine(4)
    assert booked(shop, AccountKind.MASTER) == ETHER
    [row] = rows(shop)
    assert (row.status, row.credits) == ("final", 2)


def test_a_transaction_that_moves_another_amount_when_it_is_mined_again_books_that_one(shop: Shop) -> None:
    payer, wallet = shop.chain.payer, master(shop)
    tx = shop.chain.transact(Move(payer, wallet, 7, usdt(shop)))
    shop.mine(1)
    shop.chain.reorg(1, remine=False)
    shop.chain.alter(tx, Move(payer, wallet, 5, usdt(shop)))
    shop.mine(5)
    assert booked(shop, AccountKind.MASTER, usdt(shop)) == 5


# What a node leaves out


def test_what_a_node_left_out_of_one_transaction_is_booked_by_the_second_reading(
    open_shop_with: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = open_shop_with("evm", second_reading_blocks=4)
    shop.chain.capabilities |= Capability.SECOND_READING
    payer, wallet = shop.chain.payer, master(shop)
    shop.chain.transact(*(Move(payer, wallet, amount, usdt(shop)) for amount in (7, 5)))
    scan = shop.chain.scan

    def short(after: BlockRef | None, limit: int, watch: Watch) -> Page:
        page = scan(after, limit, watch)
        return replace(page, transfers=page.transfers[1:])

    monkeypatch.setattr(shop.chain, "scan", short)
    shop.mine(1)
    monkeypatch.undo()
    shop.mine(3)
    assert booked(shop, AccountKind.MASTER, usdt(shop)) == 5
    shop.mine(8)
    shop.look()
    shop.mine(1)
    assert booked(shop, AccountKind.MASTER, usdt(shop)) == 12
    assert [each.kind for each in alert_views(shop.gateway)] == [AlertKind.NODE_LEFT_OUT_LOGS]


# What is large


def test_f43_a_large_amount_that_came_in_waits_for_a_second_node(
    open_shop_with: Callable[..., Shop],
) -> None:
    shop = open_shop_with("evm", assets={"ETH": {"large_amount": "10"}}, large_confirmations=8)
    shop.chain.send(master(shop), 10 * ETHER)
    shop.chain.send(master(shop), ETHER)
    shop.mine(4)
    assert booked(shop, AccountKind.MASTER) == ETHER
    shop.mine(5)
    assert booked(shop, AccountKind.MASTER) == 11 * ETHER


def test_the_transfers_of_a_node_without_a_sender_come_from_outside(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallet, scan = master(shop), shop.chain.scan

    def added(after: BlockRef | None, limit: int, watch: Watch) -> Page:
        page = scan(after, limit, watch)
        block = page.headers[0].ref
        one = Transfer("0xcoinbase", None, None, wallet, 3, block, 0, TransferSource.TRACE)
        return replace(page, transfers=(*page.transfers, one))

    monkeypatch.setattr(shop.chain, "scan", added)
    shop.mine(1)
    monkeypatch.undo()
    shop.mine(3)
    assert booked(shop, AccountKind.MASTER) == 3
