"""A chain that goes back to a block whose balances were looked at already: what they hold counts again."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest import mock

import pytest

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.types import Capability
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.invoices.views import InvoiceView
from cloudpay.kernel.leases import LeaseKeeper
from cloudpay.payments.loop import LEASE_TTL
from cloudpay.payments.states import PaymentStatus
from cloudpay.payments.watcher import Watcher
from cloudpay.testing import FixedClock
from tests.cloudpay.shop import Shop

ETHER = 10**18


@contextmanager
def no_balances(shop: Shop) -> Iterator[None]:
    """Have the node answer no question for balances."""
    cut_off = NodeUnavailable("evm", "cut off")
    with mock.patch.object(shop.chain, "balances", side_effect=cut_off), pytest.raises(NodeUnavailable):
        yield


def paid_by_a_contract(shop: Shop) -> InvoiceView:
    """Answer an invoice whose payment a balance has shown at the newest block."""
    shop.chain.capabilities = Capability.TOKENS | Capability.HISTORY
    shop.mine(5)
    invoice = shop.ask("1", "ETH")
    shop.chain.send(invoice.option.address, ETHER, via_contract=True)
    shop.mine()
    assert [each.status for each in shop.state(invoice).payments] == [PaymentStatus.CONFIRMING]
    return invoice


def is_paid(shop: Shop, invoice: InvoiceView) -> bool:
    """Look at the block that came back, and on; say whether the payment stood at once, and paid."""
    shop.look()
    stood = [each.status for each in shop.state(invoice).payments] == [PaymentStatus.CONFIRMING]
    shop.mine(5)
    return stood and shop.state(invoice).status is InvoiceStatus.PAID and shop.held() == ETHER


def test_f11_a_block_that_comes_back_has_its_balances_looked_at_again(shop: Shop) -> None:
    invoice = paid_by_a_contract(shop)
    branch = shop.chain.branch()
    shop.chain.reorg(1, remine=False, longer=0)
    with no_balances(shop):
        shop.look()
    shop.chain.switch(branch)
    assert is_paid(shop, invoice)


def test_f11_who_takes_the_lease_back_looks_again_at_the_block_that_it_had_looked_at(
    shop: Shop, clock: FixedClock
) -> None:
    invoice = paid_by_a_contract(shop)
    branch, first = shop.chain.branch(), shop.watcher
    clock.advance(LEASE_TTL + timedelta(seconds=1))
    other = LeaseKeeper(shop.gateway.db, clock, f"watch:{shop.code}", "other", LEASE_TTL)
    shop.watcher = Watcher(first.gateway, first.network, first.adapter, other)
    shop.chain.reorg(1, remine=False, longer=0)
    with no_balances(shop):
        shop.look()
    shop.chain.switch(branch)
    with no_balances(shop):
        shop.look()
    other.release()
    first.keeper.lost()
    shop.watcher = first
    assert is_paid(shop, invoice)
