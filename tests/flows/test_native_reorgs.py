"""Coins that a contract sent, on a chain that is reorganised: by traces, and by balances where there are none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudpay.invoices.reversals import settle
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.payments.networks import resume
from cloudpay.payments.states import PaymentStatus
from cloudpay_devnet.chain import DevChain
from tests.flows.databases import NewDatabase
from tests.flows.forking import Fork
from tests.flows.realshop import RealShop, network_table, open_real_shop

pytestmark = pytest.mark.flow

ETHER = 10**18
FINAL_AFTER = 12


@pytest.fixture(scope="module", params=["on", "off"], ids=["by-traces", "by-balances"])
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase
) -> Iterator[RealShop]:
    """A shop on a chain of its own that mines when it is told."""
    folder: Path = tmp_path_factory.mktemp("native-reorgs")
    with DevChain.start("evm") as chain:
        chain.fund(
            "0x976EA74026E726554dB657fA54763abd0C3a0aa9", "USDT", 10**12
        )  # who makes the branches differ
        chain.node.set_automine(False)
        table = network_table(chain, traces=request.param, confirmations=FINAL_AFTER)
        with open_real_shop(folder, new_database(), {"evm": chain}, {"evm": table}) as opened:
            yield opened


@pytest.mark.parametrize("depth", [1, 2, 5, 10])
def test_f30_coins_of_a_contract_follow_a_reorganisation(shop: RealShop, depth: int) -> None:
    invoice, before, fork = shop.ask("1", "ETH"), shop.held(""), Fork(shop.chain)
    fork.begin()
    tx = shop.chain.pay_through_contract(invoice.option.address, ETHER)
    shop.mine(depth)
    [first] = shop.state(invoice).payments
    assert first.status is PaymentStatus.CONFIRMING
    fork.mine_again(fork.raw(tx), depth)
    shop.look()
    shop.mine(FINAL_AFTER)
    shop.mine(FINAL_AFTER)
    [payment] = shop.state(invoice).payments
    assert (payment.id, payment.amount, payment.status) == (first.id, ETHER, PaymentStatus.FINAL)
    assert shop.state(invoice).status is InvoiceStatus.PAID
    assert shop.statuses_told(invoice).count("paid") == 1
    assert shop.held("") - before == ETHER


def test_f30_coins_of_a_contract_that_a_reorganisation_drops_are_no_payment(shop: RealShop) -> None:
    invoice, before, fork = shop.ask("1", "ETH"), shop.held(""), Fork(shop.chain)
    fork.begin()
    shop.chain.pay_through_contract(invoice.option.address, ETHER)
    shop.mine(5)
    fork.leave()
    fork.outbid()
    shop.mine(FINAL_AFTER)
    shop.mine(FINAL_AFTER)
    assert (shop.state(invoice).status, shop.state(invoice).payments) == (InvoiceStatus.PENDING, ())
    assert shop.held("") == before


def test_f31_coins_of_a_contract_that_a_deep_reorganisation_took_are_credited_again_and_settled(
    shop: RealShop,
) -> None:
    invoice, before, fork = shop.ask("1", "ETH"), shop.held(""), Fork(shop.chain)
    fork.begin()
    tx = shop.chain.pay_through_contract(invoice.option.address, ETHER)
    shop.mine()
    shop.mine(2 * FINAL_AFTER)
    assert shop.state(invoice).status is InvoiceStatus.PAID
    fork.mine_again(fork.raw(tx), 2 * FINAL_AFTER + 1)
    shop.look()
    assert (shop.state(invoice).status, shop.held("")) == (InvoiceStatus.REVERSED, before)
    resume(shop.gateway, "evm")
    shop.verify()
    shop.mine(FINAL_AFTER)
    shop.mine(FINAL_AFTER)
    assert [each.amount for each in shop.state(invoice).payments] == [ETHER]
    assert shop.held("") - before == ETHER
    settle(shop.gateway, invoice.id, reason="mined again", actor="cli:test")
    shop.mine()
    assert shop.state(invoice).status is InvoiceStatus.PAID
    assert shop.held("") - before == ETHER
