from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from cloudpay.chains.adapter import Opinion
from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.types import BlockRef, Capability, Page
from cloudpay.invoices.states import InvoiceException, InvoiceStatus
from cloudpay.kernel.leases import LeaseKeeper, LeaseLost
from cloudpay.payments.loop import LEASE_TTL
from cloudpay.payments.networks import NetworkClosed, network_views, pause, resume
from cloudpay.payments.states import NetworkStatus, PaymentStatus
from cloudpay.payments.watcher import Watcher
from cloudpay.testing import FixedClock
from tests.cloudpay.shop import Shop


def test_a_payment_goes_from_pending_over_confirming_to_paid(shop: Shop) -> None:
    invoice = shop.ask("10.00")
    tx = shop.pay(invoice)
    shop.look()
    assert shop.state(invoice).status is InvoiceStatus.PENDING
    shop.mine()
    seen = shop.state(invoice)
    assert seen.status is InvoiceStatus.CONFIRMING
    assert [(each.tx_hash, each.confirmations) for each in seen.payments] == [(tx, 1)]
    shop.mine(2)
    paid = shop.state(invoice)
    assert (paid.status, paid.exception, paid.tx_hash) == (InvoiceStatus.PAID, None, tx)
    assert paid.payments[0].status is PaymentStatus.FINAL
    assert paid.option.shown(paid.option.confirmed) == "10.00"


def test_partial_payments_add_up(shop: Shop) -> None:
    invoice = shop.ask("10")
    shop.pay(invoice, 4_000_000)
    shop.mine(1)
    assert shop.state(invoice).exception is InvoiceException.UNDERPAID
    shop.pay(invoice, 6_000_000)
    shop.mine(20)
    assert (shop.state(invoice).status, shop.state(invoice).exception) == (InvoiceStatus.PAID, None)


def test_f30_f32_a_reorged_payment_is_credited_once(shop: Shop) -> None:
    shop.mine(10)
    invoice = shop.ask()
    shop.pay(invoice)
    shop.mine(2)
    shop.chain.reorg(2)
    shop.look()
    assert shop.state(invoice).status in (InvoiceStatus.CONFIRMING, InvoiceStatus.PAID)
    assert len(shop.state(invoice).payments) == 1
    shop.mine(20)
    paid = shop.state(invoice)
    assert paid.status is InvoiceStatus.PAID
    assert paid.option.confirmed == paid.option.amount
    assert shop.held() == 10_000_000


def test_a_payment_that_a_reorg_drops_is_taken_back(shop: Shop) -> None:
    shop.mine(10)
    invoice = shop.ask()
    tx = shop.pay(invoice)
    shop.mine(2)
    shop.chain.reorg(2, drop=[tx])
    shop.look()
    gone = shop.state(invoice)
    assert (gone.status, gone.payments) == (InvoiceStatus.PENDING, ())


def test_f31_a_reorg_past_finality_reverses_pauses_and_waits_for_a_person(shop: Shop) -> None:
    shop.mine(10)
    invoice = shop.ask()
    tx = shop.pay(invoice)
    shop.mine(6)
    assert shop.state(invoice).status is InvoiceStatus.PAID
    shop.chain.reorg(8, drop=[tx])
    shop.look()
    assert shop.state(invoice).status is InvoiceStatus.REVERSED
    assert shop.held() == 0
    [network] = [each for each in network_views(shop.gateway) if each.code == shop.code]
    assert network.status is NetworkStatus.PAUSED
    assert "1 final payments were reversed" in network.reason
    with pytest.raises(NetworkClosed, match="paused"):
        shop.ask()
    resume(shop.gateway, shop.code)
    shop.verify()
    shop.mine(2)
    shop.ask()


def test_a_payment_that_comes_back_after_a_deep_reorg_is_credited_once_more_and_the_invoice_stays_reversed(
    shop: Shop,
) -> None:
    shop.mine(10)
    invoice = shop.ask()
    shop.pay(invoice)
    shop.mine(6)
    shop.chain.reorg(8)
    shop.look()
    resume(shop.gateway, shop.code)
    shop.verify()
    shop.mine(6)
    again = shop.state(invoice)
    assert again.status is InvoiceStatus.REVERSED
    assert [each.status for each in again.payments] == [PaymentStatus.FINAL]
    assert shop.held() == 10_000_000


def test_f37_f41_a_node_that_hides_logs_does_not_move_the_cursor(shop: Shop) -> None:
    invoice = shop.ask()
    shop.pay(invoice)
    shop.chain.mine()
    before = network_views(shop.gateway)[0].cursor
    shop.chain.lie_empty_logs()
    with pytest.raises(NodeUnavailable):
        shop.look()
    assert network_views(shop.gateway)[0].cursor == before
    shop.chain.come_back()
    shop.mine(5)
    assert shop.state(invoice).status is InvoiceStatus.PAID


def test_f41_a_node_that_stops_answering_after_some_pages_has_made_progress(
    open_shop_with: "Callable[..., Shop]", monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = open_shop_with("evm", scan_limit=2)
    shop.mine(2)
    before = network_views(shop.gateway)[0].cursor
    assert before is not None
    shop.chain.mine(6)
    scan, left = shop.chain.scan, iter([None, None])

    def limited(*asked: Any) -> Page:
        if next(left, "no more") is not None:
            raise NodeUnavailable("evm", "HTTP 429")
        return scan(*asked)

    monkeypatch.setattr(shop.chain, "scan", limited)
    shop.look()
    assert network_views(shop.gateway)[0].cursor == before + 4, "what was read before the limit stands"
    with pytest.raises(NodeUnavailable):
        shop.look()
    monkeypatch.undo()
    shop.look()
    assert network_views(shop.gateway)[0].cursor == before + 6


def test_f36_crediting_waits_while_finality_stands_still(shop: Shop) -> None:
    invoice = shop.ask()
    shop.pay(invoice)
    shop.chain.freeze_final()
    shop.mine(30)
    assert shop.state(invoice).status is InvoiceStatus.CONFIRMING
    shop.chain.come_back()
    shop.mine()
    assert shop.state(invoice).status is InvoiceStatus.PAID


def test_f38_a_head_that_goes_backwards_is_ignored(shop: Shop) -> None:
    shop.mine(10)
    before = network_views(shop.gateway)[0]
    shop.chain.head_backwards(5)
    shop.look()
    assert network_views(shop.gateway)[0].cursor == before.cursor


def test_f10_scanning_again_after_a_restart_credits_once(shop: Shop) -> None:
    invoice = shop.ask()
    shop.pay(invoice)
    shop.mine(5)
    shop.rescan(1, 6)
    shop.settle()
    shop.mine(5)
    paid = shop.state(invoice)
    assert (paid.option.confirmed, len(paid.payments)) == (paid.option.amount, 1)


def test_f9_one_transaction_pays_two_invoices(shop: Shop) -> None:
    first, second = shop.ask("1"), shop.ask("2")
    tx = shop.pay_together(first, second)
    shop.mine(5)
    assert [shop.state(each).tx_hash for each in (first, second)] == [tx, tx]


def test_a_watcher_that_lost_its_lease_commits_nothing(
    shop: Shop, gateway: Gateway, clock: FixedClock
) -> None:
    shop.watcher.poll()
    other = LeaseKeeper(gateway.db, gateway.clock, f"watch:{shop.code}", "other", LEASE_TTL)
    assert other.hold() is None
    clock.advance(LEASE_TTL + timedelta(seconds=1))
    taken = other.hold()
    assert taken is not None
    shop.chain.mine()
    with pytest.raises(LeaseLost):
        shop.watcher.poll()
    second = Watcher(gateway, shop.watcher.network, shop.watcher.adapter, other)
    assert second.poll() == 1


def test_a_paused_network_takes_no_invoices_and_credits_nothing(shop: Shop) -> None:
    invoice = shop.ask()
    pause(shop.gateway, shop.code, "Maintenance.")
    shop.pay(invoice)
    shop.mine(5)
    assert shop.state(invoice).status is InvoiceStatus.PENDING
    resume(shop.gateway, shop.code)
    shop.verify()
    shop.look()
    assert shop.state(invoice).status is InvoiceStatus.PAID


def test_f35_a_frozen_head_stalls_the_network_and_expires_nothing(shop: Shop, clock: FixedClock) -> None:
    invoice = shop.ask()
    shop.chain.freeze_head()
    clock.advance(timedelta(hours=2))
    shop.look()
    assert shop.state(invoice).status is InvoiceStatus.PENDING
    with pytest.raises(NetworkClosed, match="stand still"):
        shop.ask()
    shop.chain.come_back()
    shop.mine()
    shop.settle()
    assert shop.state(invoice).status is InvoiceStatus.EXPIRED


def test_an_amount_of_a_large_payment_waits_for_more_blocks(open_shop_with: "Callable[..., Shop]") -> None:
    shop = open_shop_with("evm", large_confirmations=10, assets={"USDT": {"large_amount": "1000"}})
    large, small = shop.ask("1000"), shop.ask("999.99")
    shop.pay(large)
    shop.pay(small)
    shop.mine(4)
    assert (shop.state(large).status, shop.state(small).status) == (
        InvoiceStatus.CONFIRMING,
        InvoiceStatus.PAID,
    )
    shop.mine(6)
    assert shop.state(large).status is InvoiceStatus.PAID


def test_f12_a_node_that_is_behind_does_not_cut_a_payment_down_by_a_younger_one(
    open_shop_with: "Callable[..., Shop]", monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = {"USDT": {"large_amount": "1000", "verify_balance": True}}
    shop = open_shop_with("evm", assets=listed)
    invoice = shop.ask("1000")
    shop.pay(invoice)
    shop.mine()
    unheard = {shop.chain.height}

    def second_opinions(blocks: Collection[BlockRef]) -> Mapping[BlockRef, Opinion]:
        return {each: Opinion.UNHEARD if each.height in unheard else Opinion.AGREED for each in blocks}

    shop.chain.capabilities |= Capability.SECOND_OPINION
    monkeypatch.setattr(shop.chain, "second_opinions", second_opinions, raising=False)
    behind, ahead = shop.chain.head().latest.ref, shop.chain.head
    shop.pay(invoice, 5_000_000)
    shop.mine(3)
    assert shop.held() == 5_000_000, "the first one waits for a second node"
    unheard.clear()
    with monkeypatch.context() as patched:
        patched.setattr(shop.chain, "head", lambda: replace(ahead(), final=behind))
        shop.mine(2)
    shop.mine()
    assert sorted(each.amount for each in shop.state(invoice).payments) == [5_000_000, 1_000_000_000]
    assert shop.held() == 1_005_000_000


def test_a_page_that_took_longer_than_the_lease_lasts_is_named_in_the_log(shop: Shop) -> None:
    with capture_logs() as lines:
        shop.mine(2)
        assert [line for line in lines if line["event"] == "slow_page"] == []
        shop.watcher.keeper.ttl = timedelta(0)
        shop.chain.mine(3)
        shop.watcher._read(None)
    [line] = [line for line in lines if line["event"] == "slow_page"]
    assert (line["network"], line["blocks"] > 0) == (shop.code, True)
