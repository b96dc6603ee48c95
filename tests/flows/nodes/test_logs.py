"""Logs that are left out, cut off or undone: the cursor stays, and nothing is lost or counted twice (F37)."""

import pytest

from cloudpay.chains.types import TxState
from cloudpay.invoices.states import InvoiceStatus
from cloudpay_devnet.faultproxy import Fault
from cloudpay_devnet.faultproxy.faults.logs import CutLogs, EmptyLogs, RemovedLogs
from cloudpay_devnet.faultproxy.faults.transactions import ReturningTransactions
from cloudpay_devnet.pytest_plugin import StartChain
from tests.flows.nodes.conftest import Stages

pytestmark = pytest.mark.flow

SILENT = {"none at all": EmptyLogs(), "cut to nothing": CutLogs(keep=0), "all undone": RemovedLogs()}


@pytest.mark.parametrize("fault", SILENT.values(), ids=SILENT)
@pytest.mark.parametrize("blocks", [1, 12])  # near the head by hash, and far below it by a range
def test_f37_logs_that_are_left_out_move_no_cursor_and_the_payment_is_found_once(
    stage: Stages, fault: Fault, blocks: int
) -> None:
    at = stage(1)
    invoice = at.shop.ask("10")
    switch = at.proxies[0].switch_on(fault)
    at.pay(invoice)
    paid_in = at.chain.node.block_number()
    at.chain.node.mine(blocks)
    for _ in range(3):
        at.look()
        at.rest()
    cursor = at.network().cursor
    assert cursor is not None and cursor < paid_in
    assert at.status(invoice) is InvoiceStatus.PENDING
    at.proxies[0].switch_off(switch)
    at.bury()
    assert at.paid_once(invoice)


@pytest.mark.parametrize("fault", SILENT.values(), ids=SILENT)
def test_f37_another_node_shows_what_one_leaves_out(stage: Stages, fault: Fault) -> None:
    at = stage(2)
    invoice = at.shop.ask("10")
    at.proxies[0].switch_on(fault)
    at.pay(invoice)
    at.bury()
    assert at.paid_once(invoice)
    assert at.watcher.adapter.health()[0].failures >= 1


def test_logs_that_are_undone_beside_true_ones_are_never_credited(stage: Stages) -> None:
    at = stage(1)
    invoice = at.shop.ask("10")
    at.proxies[0].switch_on(RemovedLogs(beside=True))
    at.pay(invoice)
    at.bury()
    assert at.paid_once(invoice)
    assert [payment.amount for payment in at.shop.state(invoice).payments] == [10_000_000]


def test_f37_a_block_that_pays_two_is_not_believed_where_one_of_them_is_left_out(stage: Stages) -> None:
    at = stage(2)
    invoices = [at.shop.ask("10"), at.shop.ask("10")]
    at.proxies[0].switch_on(CutLogs(keep=1))
    at.chain.node.set_automine(False)
    for invoice in invoices:
        at.pay(invoice)
    at.chain.node.mine()
    at.chain.node.set_automine(True)
    at.bury()
    assert [at.status(each) for each in invoices] == [InvoiceStatus.PAID] * 2
    assert at.shop.held() == 20_000_000


@pytest.mark.parametrize("rebroadcast", [True, False])
def test_f30_what_a_reorganisation_drops_returns_to_the_mempool_and_is_credited_once(
    stage: Stages, start_chain: StartChain, rebroadcast: bool
) -> None:
    at = stage(1, start_chain("evm"), confirmations=6)
    switch = at.proxies[0].switch_on(ReturningTransactions(rebroadcast=rebroadcast))
    invoice = at.shop.ask("10")
    tx_hash = at.pay(invoice)
    at.chain.node.mine()
    at.look()
    assert at.status(invoice) is InvoiceStatus.CONFIRMING
    at.chain.node.set_automine(False)
    at.chain.node.reorg(2)
    at.chain.node.mine()
    at.look()
    state = at.watcher.adapter.statuses([tx_hash]).by_id[tx_hash].state
    assert switch.hits and (rebroadcast or state is TxState.PENDING)
    if not rebroadcast:
        assert at.status(invoice) is InvoiceStatus.PENDING
        return
    at.chain.node.mine(8)
    at.look(2)
    assert at.paid_once(invoice)
