"""Reading a range again: what was missed is found, what is known changes nothing, what changed is refused."""

import pytest

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.kernel.errors import InvalidRequest
from cloudpay.payments.rescan import rescan
from tests.cloudpay.shop import Shop


def test_f37_a_payment_that_a_node_hid_unnoticed_is_found_by_reading_again(shop: Shop) -> None:
    invoice = shop.ask()
    tx = shop.pay(invoice)
    shop.chain.lie_empty_logs(noticed=False)
    shop.mine(5)
    assert shop.state(invoice).payments == ()
    shop.chain.come_back()
    assert shop.rescan(1, 6) == 1
    shop.mine()
    paid = shop.state(invoice)
    assert (paid.status, paid.tx_hash) == (InvoiceStatus.PAID, tx)
    assert shop.rescan(1, 7) == 1
    shop.mine()
    assert shop.held() == 10_000_000


def test_a_range_is_read_in_pages_and_progress_is_told(shop: Shop) -> None:
    shop.mine(250)
    told: list[tuple[int, int]] = []
    assert rescan(shop.gateway, "evm", 1, 10_000, lambda height, found: told.append((height, found))) == 0
    assert told == [(100, 0), (200, 0), (251, 0)]


def test_blocks_that_changed_meanwhile_are_not_taken_in(shop: Shop) -> None:
    shop.mine(10)
    invoice = shop.ask()
    shop.pay(invoice)
    shop.mine()
    before = shop.state(invoice).payments
    assert len(before) == 1
    shop.chain.reorg(2, longer=0)
    with pytest.raises(NodeUnavailable, match="changed while it was read again"):
        shop.rescan(5, 12)
    shop.settle()
    assert shop.state(invoice).payments == before
    shop.look()
    assert shop.rescan(5, 12) == 1
    shop.mine(5)
    assert shop.state(invoice).status is InvoiceStatus.PAID
    assert shop.held() == 10_000_000


@pytest.mark.parametrize(("first", "last"), [(0, 3), (-1, 3), (3, 2), (7, 9)])
def test_a_range_that_was_never_read_is_refused(shop: Shop, first: int, last: int) -> None:
    shop.mine(5)
    with pytest.raises(InvalidRequest, match=r"blocks up to \d have been read"):
        shop.rescan(first, last)
