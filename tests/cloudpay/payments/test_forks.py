"""Nodes that disagree, pages that cannot be, and the very first block: nothing is missed, nothing is credited twice."""

from collections.abc import Callable, Collection
from dataclasses import replace

import pytest

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.types import BlockRef, Head, Header, Page, Watch
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.kernel.errors import Conflict
from cloudpay.ledger.audit import check
from cloudpay.payments.networks import pause, resume
from cloudpay.payments.states import NetworkStatus
from cloudpay.testing import FakePlugin
from tests.cloudpay.payments.looping import view
from tests.cloudpay.shop import Shop


@pytest.fixture
def new_shop(open_shop_with: Callable[..., Shop], fakes: FakePlugin) -> Shop:
    """The shop on a network that was verified at block 5, and never read."""
    fakes.chains["evm"].mine(5)
    return open_shop_with("evm", polled=False)


def scan_as(shop: Shop, monkeypatch: pytest.MonkeyPatch, change: Callable[[Page], Page]) -> None:
    """Have every page of the node changed before the watcher gets it."""
    scan = shop.chain.scan

    def changed(after: BlockRef | None, limit: int, watch: Watch) -> Page:
        return change(scan(after, limit, watch))

    monkeypatch.setattr(shop.chain, "scan", changed)


def test_f43_a_final_block_of_another_fork_credits_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.mine(10)
    invoice = shop.ask()
    shop.pay(invoice)
    shop.chain.mine(1)
    height = shop.chain.height
    other = Head(
        latest=Header(height + 20, "0xother-latest", "0xother", 1_800_000_000),
        final=BlockRef(height + 15, "0xother-final"),
        finality=shop.watcher.network.settings.finality,
        node="a node on another fork",
    )
    monkeypatch.setattr(shop.chain, "head", lambda: other)
    shop.look()
    assert shop.state(invoice).status is InvoiceStatus.CONFIRMING
    assert shop.held() == 0
    monkeypatch.undo()
    shop.mine(3)
    assert shop.state(invoice).status is InvoiceStatus.PAID


def test_f10_a_transfer_that_a_node_names_twice_is_credited_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = shop.ask()
    shop.pay(invoice, invoice.option.amount // 2)
    scan_as(shop, monkeypatch, lambda page: replace(page, transfers=page.transfers * 2))
    shop.mine(5)
    assert [each.amount for each in shop.state(invoice).payments] == [invoice.option.amount // 2]
    assert shop.state(invoice).status is InvoiceStatus.PENDING


def test_a_transfer_of_a_block_that_is_not_in_its_page_is_not_believed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = shop.ask()
    shop.pay(invoice)
    before = view(shop.gateway).cursor

    def elsewhere(page: Page) -> Page:
        moved = tuple(replace(each, block=BlockRef(each.block.height, "0xelse")) for each in page.transfers)
        return replace(page, transfers=moved)

    scan_as(shop, monkeypatch, elsewhere)
    with pytest.raises(NodeUnavailable, match="that block not in the page"):
        shop.mine(2)
    assert view(shop.gateway).cursor == before
    assert shop.state(invoice).payments == ()
    monkeypatch.undo()
    shop.look()
    assert len(shop.state(invoice).payments) == 1


def test_what_is_paid_between_the_verification_and_the_first_poll_is_found(
    new_shop: Shop,
) -> None:
    invoice = new_shop.ask()
    new_shop.pay(invoice)
    new_shop.chain.mine(2)  # the first poll comes later
    new_shop.mine(3)
    assert new_shop.state(invoice).status is InvoiceStatus.PAID


def test_a_reorg_of_the_first_block_that_was_ever_read_is_followed(new_shop: Shop) -> None:
    shop = new_shop
    invoice = shop.ask()
    shop.pay(invoice)
    shop.chain.reorg(1)
    shop.look()
    assert view(shop.gateway).status is NetworkStatus.ACTIVE
    shop.mine(5)
    assert shop.state(invoice).status is InvoiceStatus.PAID
    assert shop.held() == 10_000_000


def test_a_payment_that_comes_back_below_the_first_block_that_was_ever_read_is_found(new_shop: Shop) -> None:
    shop = new_shop
    shop.look()
    was_final = shop.chain.head().final.height
    invoice = shop.ask()
    tx = shop.pay(invoice)
    depth = shop.chain.height - was_final
    shop.chain.rewrite(depth, [[tx], *([] for _ in range(depth))])
    assert shop.chain.head().final.height > was_final
    shop.look()
    assert [each.amount for each in shop.state(invoice).payments] == [invoice.option.amount]
    shop.mine(5)
    assert shop.state(invoice).status is InvoiceStatus.PAID
    assert shop.held() == 10_000_000


def test_f110_a_first_block_that_is_replaced_and_buried_before_the_first_poll_is_no_lost_chain(
    new_shop: Shop,
) -> None:
    shop = new_shop
    invoice = shop.ask()
    shop.pay(invoice)
    shop.chain.reorg(1)  # and the watcher was killed between its verification and its first poll
    shop.chain.mine(10)
    shop.look()
    shop.look()
    assert view(shop.gateway).status is NetworkStatus.ACTIVE
    assert shop.state(invoice).status is InvoiceStatus.PAID
    assert shop.held() == 10_000_000


def test_a_chain_that_began_anew_pauses_until_a_person_goes_on_anew(new_shop: Shop) -> None:
    shop = new_shop
    shop.mine()
    invoice = shop.ask()
    shop.pay(invoice)
    shop.mine(5)
    assert shop.held() == 10_000_000
    shop.chain.reorg(shop.chain.height)
    shop.look()
    assert view(shop.gateway).status is NetworkStatus.PAUSED
    resume(shop.gateway, "evm")  # right after a wrong node was put right; here the thread stays lost
    shop.verify()
    shop.look()
    assert view(shop.gateway).status is NetworkStatus.PAUSED
    assert shop.state(invoice).status is InvoiceStatus.PAID
    resume(shop.gateway, "evm", anew=True)
    shop.settle()
    assert (shop.state(invoice).status, shop.held()) == (InvoiceStatus.REVERSED, 0)
    shop.verify()
    shop.mine(5)
    assert shop.rescan(1, shop.chain.height) == 1
    shop.mine()
    assert shop.held() == 10_000_000
    later = shop.ask()
    shop.pay(later)
    shop.mine(3)
    assert shop.state(later).status is InvoiceStatus.PAID


def test_what_a_chain_that_began_anew_twice_has_not_any_more_is_taken_back_by_reading_again(
    new_shop: Shop,
) -> None:
    """What was read again lies below all that is stored: nothing else tells that its blocks were replaced."""
    shop = new_shop
    shop.mine()
    gone, kept = shop.ask(), shop.ask()
    dropped = shop.pay(gone)
    shop.pay(kept)
    shop.mine(5)
    begin_anew(shop)
    assert shop.rescan(1, shop.chain.height) == 2
    shop.mine()
    assert shop.held() == 20_000_000
    begin_anew(shop, drop=[dropped])
    assert shop.held() == 20_000_000
    assert shop.rescan(1, shop.chain.height) == 1
    shop.settle()
    assert view(shop.gateway).status is NetworkStatus.PAUSED
    assert shop.state(gone).status is InvoiceStatus.REVERSED
    resume(shop.gateway, "evm")
    shop.verify()
    shop.mine(3)
    assert (shop.held(), check(shop.gateway)) == (10_000_000, [])
    assert shop.state(gone).payments == ()
    assert shop.rescan(1, shop.chain.height) == 1
    assert view(shop.gateway).status is NetworkStatus.ACTIVE


def begin_anew(shop: Shop, drop: Collection[str] = ()) -> None:
    """Have the whole chain replaced, and an operator go on with it."""
    shop.chain.reorg(shop.chain.height, drop=drop)
    shop.chain.mine(3)
    shop.look()
    resume(shop.gateway, "evm", anew=True)
    shop.settle()
    shop.verify()
    shop.mine(5)


def test_nothing_goes_on_anew_that_did_not_lose_its_chain(shop: Shop) -> None:
    pause(shop.gateway, "evm", "Maintenance.")
    with pytest.raises(Conflict, match="another reason than a lost chain: Maintenance"):
        resume(shop.gateway, "evm", anew=True)
    assert view(shop.gateway).status is NetworkStatus.PAUSED
