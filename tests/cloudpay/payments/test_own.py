"""What we move ourselves is no income, and does not hide what comes in besides."""

import pytest

from cloudpay.chains.types import Capability
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.wallets.service import master_address
from tests.cloudpay.shop import Shop

ETHER = 10**18


@pytest.fixture
def blind(shop: Shop) -> Shop:
    """The shop on a node that shows no traces."""
    shop.chain.capabilities = Capability.TOKENS | Capability.HISTORY
    shop.mine(5)
    return shop


def top_up(shop: Shop, to: str) -> str:
    """Send an ether from the merchant's master wallet."""
    master = master_address(shop.gateway, shop.gateway.chains.network(shop.code), 0)
    shop.chain.fund(master, 10 * ETHER)
    return shop.chain.send(to, ETHER, sender=master)


def test_f23_what_comes_beside_a_top_up_is_found_by_the_balance(blind: Shop) -> None:
    invoice = blind.ask("1", "ETH")
    top_up(blind, invoice.option.address)
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.mine(2)
    blind.mine(3)
    assert [each.amount for each in blind.state(invoice).payments] == [ETHER]
    assert blind.held() == ETHER
    blind.rescan(1, blind.chain.height)
    blind.mine(3)
    assert blind.held() == ETHER


def test_f23_a_top_up_that_a_reorg_takes_away_no_longer_counts(blind: Shop) -> None:
    invoice = blind.ask("1", "ETH")
    tx = top_up(blind, invoice.option.address)
    blind.mine(1)
    blind.chain.reorg(1, drop=[tx])
    blind.look()
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.mine(2)
    blind.mine(3)
    assert blind.state(invoice).status is InvoiceStatus.PAID
    assert blind.held() == ETHER


def test_f23_after_coins_were_taken_away_new_ones_are_still_found_by_the_balance(blind: Shop) -> None:
    invoice = blind.ask("2", "ETH")
    blind.chain.send(invoice.option.address, ETHER)
    blind.mine(5)
    blind.chain.send("somewhere safe", ETHER // 2, sender=invoice.option.address)
    blind.mine(1)
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.mine(2)
    blind.mine(3)
    assert blind.state(invoice).status is not InvoiceStatus.EXPIRED
    total = sum(each.amount for each in blind.state(invoice).payments)
    assert 2 * ETHER - 1000 <= total <= 2 * ETHER  # less the fee, which is not known
