"""Forks of a TRON chain: above the solid block the credit follows its transaction, below it waits for a person."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudpay.invoices.states import InvoiceStatus
from cloudpay.payments.networks import network_views, resume
from cloudpay.payments.states import NetworkStatus, PaymentStatus
from cloudpay_devnet.tron.network import TronChain
from tests.flows.databases import NewDatabase
from tests.flows.realshop import RealShop
from tests.flows.tronshop import DOLLAR, TRX, begin, open_tron_shop

pytestmark = pytest.mark.flow

LAG = 6


@pytest.fixture
def chain(tron_process: TronChain) -> TronChain:
    return begin(tron_process, LAG)


@pytest.fixture
def shop(tmp_path: Path, chain: TronChain, new_database: NewDatabase) -> Iterator[RealShop]:
    with open_tron_shop(tmp_path, chain, new_database()) as shop:
        yield shop


@pytest.mark.parametrize("depth", range(1, LAG))
def test_f30_f32_a_fork_above_the_solid_block_moves_every_credit_exactly(
    shop: RealShop, chain: TronChain, depth: int
) -> None:
    follows, tokens, dropped, untouched = (shop.ask("10", each) for each in ("TRX", "USDT", "TRX", "TRX"))
    stays = chain.pay("TRX", untouched.option.address, 10 * TRX)
    chain.node.mine()
    moved = chain.pay("TRX", follows.option.address, 10 * TRX)
    moved_tokens = chain.pay("USDT", tokens.option.address, 10 * DOLLAR)
    gone = chain.pay("TRX", dropped.option.address, 10 * TRX)
    shop.mine(depth)
    assert {shop.state(each).status for each in (follows, tokens, dropped, untouched)} == {
        InvoiceStatus.CONFIRMING
    }
    chain.node.fork(depth)  # what was in it waits again
    chain.node.control("lose", txid=gone)
    shop.look()
    assert [shop.state(each).payments for each in (follows, tokens, dropped)] == [(), (), ()]
    shop.mine(LAG + 1)
    for invoice, tx in ((follows, moved), (tokens, moved_tokens), (untouched, stays)):
        paid = shop.state(invoice)
        assert (paid.status, paid.tx_hash) == (InvoiceStatus.PAID, tx)
        assert shop.statuses_told(invoice).count("paid") == 1
    assert (shop.state(dropped).status, shop.state(dropped).payments) == (InvoiceStatus.PENDING, ())
    assert shop.held("") == 20 * TRX
    assert network_views(shop.gateway)[0].status is NetworkStatus.ACTIVE


def test_f31_a_fork_below_the_solid_block_reverses_pauses_and_credits_once_what_comes_back(
    shop: RealShop, chain: TronChain
) -> None:
    returns, gone, untouched = (shop.ask("10", "TRX") for _ in range(3))
    chain.pay("TRX", untouched.option.address, 10 * TRX)
    shop.mine()
    follows = chain.pay("TRX", returns.option.address, 10 * TRX)
    lost = chain.pay("TRX", gone.option.address, 10 * TRX)
    shop.mine(LAG + 1)
    assert {shop.state(each).status for each in (returns, gone, untouched)} == {InvoiceStatus.PAID}
    assert shop.held("") == 30 * TRX

    chain.node.fork(LAG + 1)
    chain.node.control("lose", txid=lost)
    shop.look()
    for invoice in (returns, gone):
        assert shop.state(invoice).status is InvoiceStatus.REVERSED
        assert shop.statuses_told(invoice) == ["paid", "reversed"]
    assert shop.state(untouched).status is InvoiceStatus.PAID
    assert shop.held("") == 10 * TRX
    [network] = network_views(shop.gateway)
    assert network.status is NetworkStatus.PAUSED
    assert "2 final payments were reversed" in network.reason and "chains resume tron" in network.reason

    shop.mine()
    assert shop.state(returns).payments == (), "nothing is read while the network is paused"
    resume(shop.gateway, "tron")
    shop.verify()
    shop.look()
    [found] = shop.state(returns).payments
    assert (found.tx_hash, found.status) == (follows, PaymentStatus.CONFIRMING)
    shop.mine(LAG + 1)
    assert [each.status for each in shop.state(returns).payments] == [PaymentStatus.FINAL]
    assert shop.state(gone).payments == ()
    assert shop.held("") == 20 * TRX
    assert network_views(shop.gateway)[0].status is NetworkStatus.ACTIVE
