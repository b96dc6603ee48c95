"""A node that shows other logs of a block but not ours is believed at first: the second reading finds out (F37)."""

import pytest

from cloudpay.alerts.states import AlertKind
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.invoices.views import InvoiceView
from cloudpay_devnet.faultproxy.faults.logs import LostLogs
from tests.flows.nodes.conftest import Stage, Stages

pytestmark = pytest.mark.flow

_STRANGER = "0x000000000000000000000000000000000000bEEF"
_STEP = 4


def pay_beside_a_stranger(at: Stage, invoice: InvoiceView) -> None:
    """Put the payment into one block with a stranger's, so that no bloom contradicts a node that shows only that."""
    at.chain.node.set_automine(False)
    at.pay(invoice)
    at.chain.pay("USDT", _STRANGER, 1)
    at.chain.node.mine()
    at.chain.node.set_automine(True)


@pytest.mark.parametrize(
    "blocks", [1, 8]
)  # near the head by hash, and in the middle of a range of final blocks
@pytest.mark.parametrize("native", [True, False])
def test_f37_a_payment_that_one_node_leaves_out_of_right_answers_is_found_by_the_other(
    stage: Stages, blocks: int, native: bool
) -> None:
    at = stage(2, second_reading_blocks=_STEP, watch_native=native, timeout_seconds=10.0)
    invoice = at.shop.ask("10")
    switch = at.proxies[0].switch_on(LostLogs(to=invoice.option.address))
    pay_beside_a_stranger(at, invoice)
    at.chain.node.mine(blocks)
    at.chain.pay("USDT", _STRANGER, 1)  # the range's end has a log, too
    at.look()
    assert switch.hits and at.network().cursor == at.chain.node.block_number()
    assert at.shop.state(invoice).payments == () and at.status(invoice) is InvoiceStatus.PENDING
    at.chain.node.mine(_STEP + 1)
    at.look(2)
    at.rest(130)
    at.chain.node.mine(_STEP)
    at.look(2)
    assert at.paid_once(invoice)
    assert at.shop.state(invoice).exception is None
    (alert,) = [each for each in at.open_alerts() if each.kind is AlertKind.NODE_LEFT_OUT_LOGS]
    assert alert.subject == f"evm/{at.watcher.adapter.health()[0].node}"
    assert at.watcher.adapter.health()[0].failures == 0
    at.rest(130)
    at.chain.node.mine(2 * _STEP)
    at.look(3)
    assert at.paid_once(invoice)


def test_f37_with_one_node_its_second_answer_is_enough(stage: Stages) -> None:
    at = stage(1, second_reading_blocks=_STEP)
    invoice = at.shop.ask("10")
    switch = at.proxies[0].switch_on(LostLogs(to=invoice.option.address))
    pay_beside_a_stranger(at, invoice)
    at.look()
    at.proxies[0].switch_off(switch)
    assert at.status(invoice) is InvoiceStatus.PENDING
    at.chain.node.mine(_STEP + 1)
    at.look(2)
    at.rest(130)
    at.chain.node.mine(_STEP)
    at.look(2)
    assert at.paid_once(invoice)


def test_a_second_reading_costs_two_calls_whatever_is_watched(stage: Stages) -> None:
    at = stage(2, second_reading_blocks=_STEP, watch_native=False)
    for _ in range(10):
        at.shop.ask("10")
    at.chain.node.mine(1)
    at.look()
    at.look()
    quiet = _calls(at)
    at.look()
    usual = _calls(at) - quiet
    at.rest(130)
    at.chain.pay("USDT", _STRANGER, 1)
    at.chain.node.mine(2 * _STEP)
    at.look()  # reads what is new
    before = _calls(at)
    at.look()
    assert _calls(at) - before - usual <= 2 + 1  # and once the other node's chain, before its first work


def _calls(at: Stage) -> int:
    return sum(each.calls for each in at.watcher.adapter.health())
