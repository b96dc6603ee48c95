"""Heads that stand still, go back or never become final: seen through, told of, and never believed (F35, F36, F38)."""

from datetime import timedelta

import pytest

from cloudpay.alerts.service import clear_by_hand
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.adapter import NodeState
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.payments.states import NetworkStatus
from cloudpay_devnet.faultproxy.faults.heads import BackwardsHead, FrozenFinality, FrozenHead, StaleHead
from cloudpay_devnet.pytest_plugin import StartChain
from tests.flows.nodes.conftest import Stage, Stages

pytestmark = pytest.mark.flow


def test_f35_a_head_that_stands_still_is_left_for_one_that_goes_on(stage: Stages) -> None:
    at = stage()
    invoice = at.shop.ask("10")
    at.proxies[0].switch_on(FrozenHead())
    at.look()
    at.pay(invoice)
    at.bury(2)
    assert at.status(invoice) is InvoiceStatus.PENDING, "what the test is about: the first node shows nothing"
    at.rest(40)  # three usual block times and more
    at.look(2)
    assert at.paid_once(invoice)
    first, second = at.watcher.adapter.health()
    assert first.score < second.score and "its head is block" in str(first.last_error)
    assert at.network().status is NetworkStatus.ACTIVE
    for _ in range(16):
        at.rest(8)
        at.chain.node.mine()
        at.look()
    assert at.alerts() == [AlertKind.NODE_DOWN] and "its head is block" in at.open_alerts()[0].sentence
    assert {node.state for node in at.network().nodes} == {NodeState.UP, NodeState.LAGGING}
    at.proxies[0].switch_off()
    at.rest(61)
    at.chain.node.mine()
    at.look(2)
    assert at.alerts() == []


def test_f35_where_every_head_is_frozen_the_network_stalls_and_nothing_expires_by_blindness(
    stage: Stages,
) -> None:
    at = stage(1)
    invoice = at.shop.ask("10")
    switch = at.proxies[0].switch_on(FrozenHead())
    at.look()
    at.pay(invoice)
    at.rest(1_000)
    at.look()
    assert at.network().status is NetworkStatus.STALLED and at.alerts() == [AlertKind.NETWORK_STALLED]
    at.rest(3_600)  # its time has run out meanwhile
    at.look(2)
    assert at.status(invoice) is InvoiceStatus.PENDING
    at.proxies[0].switch_off(switch)
    at.bury()
    assert at.paid_once(invoice), "it was paid in time, whenever we could look"
    assert at.network().status is NetworkStatus.ACTIVE and at.alerts() == []


def test_an_alert_that_a_person_clears_opens_anew_while_its_cause_lasts(stage: Stages) -> None:
    at = stage(finality="tag", stalled_after_seconds=60)
    freeze(at)
    [alert] = at.open_alerts()
    clear_by_hand(at.shop.gateway, alert.id, actor="cli:test")
    assert at.alerts() == []
    at.rest(10)
    at.chain.node.mine()
    at.look()
    assert at.alerts() == [AlertKind.FINALITY_FROZEN] and at.open_alerts()[0].id != alert.id


def freeze(at: Stage) -> None:
    """Have finality stand still for long enough to be told of, while blocks come."""
    for proxy in at.proxies:
        proxy.switch_on(FrozenFinality())
    at.look()
    for _ in range(6):
        at.rest(50)
        at.chain.node.mine()
        at.look()


def test_f36_where_finality_stands_still_crediting_waits_and_somebody_is_told(stage: Stages) -> None:
    at = stage(1, finality="tag", stalled_after_seconds=60)
    invoice = at.shop.ask("10")
    at.pay(invoice)
    freeze(at)
    at.chain.node.mine(20)  # by far enough for finality, were it told
    at.look()
    assert at.status(invoice) is InvoiceStatus.CONFIRMING and at.shop.held() == 0
    assert at.alerts() == [AlertKind.FINALITY_FROZEN]
    assert at.network().status is NetworkStatus.ACTIVE
    at.proxies[0].switch_off()
    at.rest(10)
    at.chain.node.mine()
    at.look(2)
    assert at.paid_once(invoice) and at.alerts() == []


def test_f38_a_head_that_goes_back_and_forth_moves_nothing_back_and_credits_once(stage: Stages) -> None:
    at = stage(1)
    at.proxies[0].switch_on(BackwardsHead(blocks=4))
    invoice = at.shop.ask("10")
    read = []
    for number in range(12):
        if number == 3:
            at.pay(invoice)
        at.chain.node.mine()
        at.look()
        read.append(at.network().cursor or 0)
    assert read == sorted(read)
    at.look(2)
    assert at.paid_once(invoice)


def test_f38_a_node_that_stays_behind_what_was_read_is_as_good_as_silent(stage: Stages) -> None:
    at = stage(1)
    at.chain.node.mine(10)
    at.look()
    switch = at.proxies[0].switch_on(StaleHead(blocks=8))
    at.look()
    assert at.network().status is NetworkStatus.ACTIVE, "a moment is no reason to close"
    at.rest(301)
    at.look()
    assert at.network().status is NetworkStatus.STALLED and "behind block" in at.network().reason
    assert at.alerts() == [AlertKind.NETWORK_STALLED]
    at.proxies[0].switch_off(switch)
    at.chain.node.mine()
    at.look()
    assert at.network().status is NetworkStatus.ACTIVE and at.alerts() == []


def test_f37_a_node_far_behind_is_left_for_one_at_the_head_though_its_own_head_moves(
    stage: Stages, start_chain: StartChain
) -> None:
    at = stage(2, start_chain("evm"))
    invoice = at.shop.ask("10")
    at.proxies[0].switch_on(StaleHead(blocks=20))
    at.chain.node.mine(25)
    at.pay(invoice)
    at.bury(1)
    assert at.status(invoice) is InvoiceStatus.PENDING
    at.rest(61)  # the other node is looked at once a minute
    at.chain.node.mine()
    at.look(2)
    assert at.paid_once(invoice)


def test_nobody_expires_an_invoice_while_the_only_node_lags(stage: Stages) -> None:
    at = stage(1)
    at.chain.node.mine(10)
    at.look()
    invoice = at.shop.ask("10")
    at.pay(invoice)
    switch = at.proxies[0].switch_on(StaleHead(blocks=9))
    at.shop.advance(timedelta(hours=2))
    at.look(2)
    assert at.status(invoice) is InvoiceStatus.PENDING
    at.proxies[0].switch_off(switch)
    at.bury(2)
    assert at.paid_once(invoice)
