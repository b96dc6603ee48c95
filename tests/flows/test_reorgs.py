"""Reorganisations of every depth on a real node: the credit follows its transaction, or waits for a person."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudpay.alerts.service import alert_views
from cloudpay.alerts.states import AlertKind
from cloudpay.invoices.reversals import settle
from cloudpay.invoices.states import InvoiceException, InvoiceStatus
from cloudpay.payments.networks import network_views, resume
from cloudpay.payments.states import NetworkStatus, PaymentStatus
from cloudpay_devnet.chain import DevChain
from tests.flows.forking import DROPPED, FILLER, MOVED, REPLACED, UNTOUCHED, Fork
from tests.flows.realshop import RealShop, network_table, open_real_shop

pytestmark = pytest.mark.flow

DEPTHS = 64
FINAL_AFTER = DEPTHS + 4
DEEP = 160
UNITS = 10_000_000


@pytest.fixture(scope="module")
def fork() -> Iterator[Fork]:
    """A chain on which the five accounts hold tokens, and nothing is mined by itself."""
    with DevChain.start("evm") as chain:
        for account in (MOVED, DROPPED, REPLACED, UNTOUCHED, FILLER):
            chain.fund(account, "USDT", 10**12)
        chain.node.set_automine(False)
        yield Fork(chain)


@pytest.fixture(scope="module")
def shop(
    fork: Fork, tmp_path_factory: pytest.TempPathFactory, server_database: str | None
) -> Iterator[RealShop]:
    """A shop for tokens alone, whose payments are final after a few blocks more than the deepest reorganisation."""
    folder: Path = tmp_path_factory.mktemp("reorgs")
    table = network_table(fork.chain, confirmations=FINAL_AFTER, watch_native=False, batch_size=200)
    with open_real_shop(folder, server_database, {"evm": fork.chain}, {"evm": table}) as opened:
        yield opened


@pytest.mark.parametrize("depth", range(1, DEPTHS + 1))
def test_f30_f32_a_reorganisation_of_any_depth_above_the_final_block_moves_every_credit_exactly(
    shop: RealShop, fork: Fork, depth: int
) -> None:
    moved, dropped, replaced, untouched = (shop.ask() for _ in range(4))
    before = shop.held()
    stays = fork.send(UNTOUCHED, untouched.option.address, UNITS)
    fork.chain.node.mine()
    fork.begin()
    follows = fork.send(MOVED, moved.option.address, UNITS)
    fork.send(DROPPED, dropped.option.address, UNITS)
    fork.send(REPLACED, replaced.option.address, UNITS)
    shop.mine(depth)
    assert {shop.state(each).status for each in (moved, dropped, replaced, untouched)} == {
        InvoiceStatus.CONFIRMING
    }
    index, bytes_of_it = fork.log_index(follows), fork.raw(follows)
    [first] = shop.state(moved).payments

    fork.leave()
    fork.send(FILLER, FILLER, 1)
    smaller = fork.send(REPLACED, replaced.option.address, UNITS // 2)
    fork.chain.node.mine()
    fork.outbid()
    fork.send_again(bytes_of_it)
    fork.chain.node.mine(depth)
    shop.look()
    assert fork.chain.node.block_number() > fork.began + depth

    [again] = shop.state(moved).payments
    assert (again.id, again.tx_hash) == (first.id, follows)
    assert again.block_height != first.block_height
    assert fork.log_index(follows) != index
    assert (shop.state(dropped).status, shop.state(dropped).payments) == (InvoiceStatus.PENDING, ())
    [other] = shop.state(replaced).payments
    assert (other.tx_hash, other.amount) == (smaller, UNITS // 2)
    assert shop.held() == before

    shop.mine(FINAL_AFTER)
    for invoice, tx in ((moved, follows), (untouched, stays)):
        paid = shop.state(invoice)
        assert (paid.status, paid.exception, paid.tx_hash) == (InvoiceStatus.PAID, None, tx)
        assert shop.statuses_told(invoice).count("paid") == 1
    short = shop.state(replaced)
    assert (short.status, short.exception) == (InvoiceStatus.PENDING, InvoiceException.UNDERPAID)
    assert shop.state(dropped).payments == ()
    assert "paid" not in shop.statuses_told(dropped) + shop.statuses_told(replaced)
    assert shop.held() - before == 2 * UNITS + UNITS // 2
    assert network_views(shop.gateway)[0].status is NetworkStatus.ACTIVE


def require_paused(shop: RealShop) -> None:
    """The network waits for a person, and says why: in `cloudpay chains` and by an alert."""
    [network] = network_views(shop.gateway)
    assert network.status is NetworkStatus.PAUSED
    assert network.reason.startswith(f"A reorganisation {DEEP} blocks deep went past finality")
    assert "2 final payments were reversed" in network.reason and "chains resume evm" in network.reason
    [alert] = alert_views(shop.gateway)
    assert (alert.kind, alert.subject) == (AlertKind.NETWORK_PAUSED, "evm")
    assert network.reason in alert.sentence


def test_f31_a_reorganisation_of_160_blocks_reverses_pauses_and_goes_on_after_a_person_has_resumed(
    shop: RealShop, fork: Fork
) -> None:
    returns, gone, untouched = shop.ask(), shop.ask(), shop.ask()
    before = shop.held()
    fork.send(UNTOUCHED, untouched.option.address, UNITS)
    shop.mine()
    fork.begin()
    follows = fork.send(MOVED, returns.option.address, UNITS)
    fork.send(DROPPED, gone.option.address, UNITS)
    shop.mine(DEEP)
    assert {shop.state(each).status for each in (returns, gone, untouched)} == {InvoiceStatus.PAID}
    assert shop.held() - before == 3 * UNITS
    bytes_of_it = fork.raw(follows)

    fork.leave()
    fork.send(FILLER, FILLER, 1)
    fork.chain.node.mine(DEEP + 1)
    shop.look()
    for invoice in (returns, gone):
        assert shop.state(invoice).status is InvoiceStatus.REVERSED
        assert shop.statuses_told(invoice) == ["paid", "reversed"]
    assert shop.state(untouched).status is InvoiceStatus.PAID
    assert shop.held() - before == UNITS
    require_paused(shop)

    late = fork.send(UNTOUCHED, shop.state(gone).option.address, 1)
    fork.send_again(bytes_of_it)
    shop.mine(3)
    assert shop.state(returns).payments == ()  # nothing is read while the network is paused

    resume(shop.gateway, "evm")
    shop.verify()
    shop.look()
    [found] = shop.state(returns).payments
    assert (found.tx_hash, found.status) == (follows, PaymentStatus.CONFIRMING)
    assert [each.tx_hash for each in shop.state(gone).payments] == [late]
    shop.mine(FINAL_AFTER)
    [network] = network_views(shop.gateway)
    assert (network.status, network.lag, alert_views(shop.gateway)) == (NetworkStatus.ACTIVE, 0, [])
    assert shop.held() - before == 2 * UNITS + 1
    assert shop.state(returns).status is InvoiceStatus.REVERSED
    settle(shop.gateway, returns.id, reason="mined again", actor="cli:test")
    shop.settle()
    assert shop.state(returns).status is InvoiceStatus.PAID
    assert shop.statuses_told(returns) == ["paid", "reversed"]
    assert shop.state(gone).status is InvoiceStatus.REVERSED
    assert shop.held() - before == 2 * UNITS + 1

    next_one = shop.ask()
    fork.send(MOVED, next_one.option.address, UNITS)
    shop.mine(FINAL_AFTER)
    assert shop.state(next_one).status is InvoiceStatus.PAID
