"""Native money that a contract sent, where the node shows no traces."""

import pytest

from cloudpay.chains.types import Capability
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.payments.states import PaymentStatus
from tests.cloudpay.shop import Shop

ETHER = 10**18


@pytest.fixture
def blind(shop: Shop) -> Shop:
    """The shop on a node that shows no traces."""
    shop.chain.capabilities = Capability.TOKENS | Capability.HISTORY
    return shop


def test_f11_money_from_a_contract_is_found_by_balance(blind: Shop) -> None:
    invoice = blind.ask("1", "ETH")
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.mine(2)
    blind.mine(3)
    paid = blind.state(invoice)
    assert (paid.status, paid.tx_hash) == (InvoiceStatus.PAID, None)
    assert [each.amount for each in paid.payments] == [ETHER]


def test_a_plain_transfer_is_not_counted_again_by_its_balance(blind: Shop) -> None:
    invoice = blind.ask("1", "ETH")
    blind.chain.send(invoice.option.address, ETHER)
    blind.mine(6)
    assert [each.amount for each in blind.state(invoice).payments] == [ETHER]


def test_a_later_trace_takes_the_place_of_an_inferred_payment(blind: Shop) -> None:
    invoice = blind.ask("1", "ETH")
    tx = blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.mine(6)
    blind.chain.capabilities |= Capability.TRACES
    blind.rescan(1, 6)
    blind.rescan(1, 6)
    blind.settle()
    assert [(each.tx_hash, each.amount) for each in blind.state(invoice).payments] == [(tx, ETHER)]


def test_two_traces_share_out_one_inferred_payment(blind: Shop) -> None:
    invoice = blind.ask("1", "ETH")
    for part in (ETHER // 4, 3 * ETHER // 4):
        blind.chain.send(invoice.option.address, part, via_contract=True)
    blind.mine(2)
    blind.mine(3)
    blind.chain.capabilities |= Capability.TRACES
    blind.rescan(1, 6)
    blind.rescan(1, 6)
    blind.settle()
    found = blind.state(invoice)
    assert sorted(each.amount for each in found.payments) == [ETHER // 4, 3 * ETHER // 4]
    assert {each.status for each in found.payments} == {PaymentStatus.FINAL}
    assert found.option.confirmed == ETHER


def test_an_inferred_payment_whose_block_left_the_chain_is_found_again(
    blind: Shop,
) -> None:
    blind.mine(5)
    invoice = blind.ask("1", "ETH")
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.mine(1)
    blind.chain.reorg(1)
    blind.look()
    blind.mine(6)
    assert [each.amount for each in blind.state(invoice).payments] == [ETHER]
    assert blind.state(invoice).status is InvoiceStatus.PAID
