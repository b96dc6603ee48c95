"""Three days offline, behind nodes that give little at a time: all is read, and judged by its own time (F45)."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from cloudpay.alerts.states import AlertKind
from cloudpay.invoices.states import InvoiceException, InvoiceStatus
from cloudpay.outbox.models import OutboxRow
from cloudpay.payments.states import NetworkStatus
from cloudpay_devnet.faultproxy.faults.answers import ServiceUnavailable
from cloudpay_devnet.faultproxy.faults.limits import RangeLimit
from cloudpay_devnet.pytest_plugin import StartChain
from tests.flows.nodes.conftest import Stages

pytestmark = pytest.mark.flow

BLOCKS, SECONDS = 720, 360
DAYS = timedelta(seconds=BLOCKS * SECONDS)


def test_f45_after_three_days_offline_payments_count_by_the_time_of_their_blocks(
    stage: Stages, start_chain: StartChain
) -> None:
    assert timedelta(days=3) == DAYS
    at = stage(2, start_chain("evm"), block_seconds=float(SECONDS))
    in_time, late, unpaid = at.shop.ask("10"), at.shop.ask("20"), at.shop.ask("30")
    at.pay(in_time)
    at.chain.node.rpc.call("anvil_mine", hex(BLOCKS // 2), hex(SECONDS))
    at.pay(late)
    at.chain.node.rpc.call("anvil_mine", hex(BLOCKS // 2), hex(SECONDS))
    at.shop.clock.advance(DAYS)
    at.proxies[0].switch_on(RangeLimit(blocks=100, provider="alchemy"))
    at.proxies[0].switch_on(ServiceUnavailable(), methods=["eth_getLogs"], times=1)
    at.proxies[1].switch_on(RangeLimit(blocks=30, provider="ankr"))
    assert at.status(in_time) is at.status(late) is InvoiceStatus.PENDING
    at.shop.settle()
    assert at.status(in_time) is InvoiceStatus.PENDING, "nobody has looked since it ran out"
    for _ in range(4):
        at.look()
        at.rest()
    assert at.network().lag == 0 and at.network().status is NetworkStatus.ACTIVE
    assert at.status(in_time) is InvoiceStatus.PAID
    assert at.status(late) is at.status(unpaid) is InvoiceStatus.EXPIRED
    assert at.shop.state(late).exception is InvoiceException.LATE
    assert [payment.amount for payment in at.shop.state(late).payments] == [20_000_000]
    assert at.shop.held() == 30_000_000, "what came late is kept, too"
    with at.shop.gateway.db.read() as session:
        told = session.scalars(select(OutboxRow.payload).where(OutboxRow.name == "alert.opened")).all()
    assert any(AlertKind.CATCHING_UP in each for each in told) and at.alerts() == []
