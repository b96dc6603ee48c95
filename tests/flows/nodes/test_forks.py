"""Nodes of another chain, or of another fork: refused, told of, and large amounts wait until they agree (F42, F43)."""

import pytest

from cloudpay.alerts.states import AlertKind
from cloudpay.chains.adapter import NodeState
from cloudpay.chains.errors import WrongChain
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.kernel.errors import Conflict
from cloudpay.payments.networks import resume
from cloudpay.payments.states import NetworkStatus
from cloudpay_devnet.faultproxy.faults import answers
from cloudpay_devnet.faultproxy.faults.forks import OtherFork, WrongChainId, WrongGenesis
from cloudpay_devnet.pytest_plugin import StartChain
from tests.flows.nodes.conftest import Stage, Stages

pytestmark = pytest.mark.flow


@pytest.mark.parametrize("fault", [WrongChainId(), WrongGenesis()], ids=["chain id", "first block"])
def test_f42_one_node_of_another_chain_stops_the_start(
    stage: Stages, fault: WrongChainId | WrongGenesis
) -> None:
    at = stage(2)
    at.proxies[1].switch_on(fault)
    with pytest.raises(WrongChain, match="is on chain"):
        at.verify()
    assert at.network().status is NetworkStatus.UNVERIFIED
    read = at.network().cursor
    at.chain.node.mine()
    at.watcher.poll()
    assert at.network().cursor == read, "a network that is not verified was read"


@pytest.mark.parametrize("fault", [WrongChainId(), WrongGenesis()], ids=["chain id", "first block"])
def test_f42_a_node_that_turns_to_another_chain_is_out_of_use_until_it_is_back(
    stage: Stages, fault: WrongChainId | WrongGenesis
) -> None:
    at = stage(2)
    invoice = at.shop.ask("10")
    at.proxies[0].switch_on(answers.ServiceUnavailable(), times=1)
    at.look()  # a node is asked who it is after each failure, and now and then
    at.rest(61)
    at.proxies[0].switch_on(fault)
    at.pay(invoice)
    at.bury()
    assert at.paid_once(invoice) and at.alerts() == [AlertKind.NODE_WRONG_CHAIN]
    asked = at.proxies[0].methods().count("eth_getLogs")
    at.chain.node.mine(3)
    at.look(2)
    assert at.proxies[0].methods().count("eth_getLogs") == asked
    at.proxies[0].switch_off()
    at.rest(61)
    at.chain.node.mine()
    at.look(2)
    assert at.alerts() == [] and {node.state for node in at.network().nodes} == {"up"}


def test_f42_the_first_block_of_the_first_contact_counts_for_ever(stage: Stages) -> None:
    at = stage(2)
    read = at.network().cursor
    for proxy in at.proxies:
        proxy.switch_on(WrongGenesis())
    at.verify()
    view = at.network()
    assert view.status is NetworkStatus.PAUSED and "begins with another block" in view.reason
    assert at.alerts() == [AlertKind.NETWORK_PAUSED]
    at.chain.node.mine(3)
    at.look()
    assert at.network().cursor == read, "another chain was read"
    resume(at.shop.gateway, "evm")
    at.look()
    assert at.network().status is NetworkStatus.PAUSED, "to resume is not to overlook"
    for proxy in at.proxies:
        proxy.switch_off()
    resume(at.shop.gateway, "evm")
    at.look()
    assert at.network().status is NetworkStatus.ACTIVE and at.alerts() == []


def test_f42_a_chain_that_began_anew_is_taken_up_by_a_person_alone(stage: Stages) -> None:
    at = stage(1)
    at.proxies[0].switch_on(WrongGenesis())
    at.verify()
    resume(at.shop.gateway, "evm", anew=True, actor="cli:test")
    at.look(2)
    assert at.network().status is NetworkStatus.ACTIVE
    with pytest.raises(Conflict):
        resume(at.shop.gateway, "evm", anew=True)


def disputed(stage: Stages, start_chain: StartChain) -> Stage:
    """A shop with two nodes, of which the second has been on another fork for some blocks."""
    at = stage(2, start_chain("evm"), large="100")
    at.proxies[1].switch_on(OtherFork(since=at.chain.node.block_number() + 1))
    return at


def test_f43_a_large_amount_is_not_credited_while_two_nodes_disagree_and_a_small_one_is(
    stage: Stages, start_chain: StartChain
) -> None:
    at = disputed(stage, start_chain)
    small, large = at.shop.ask("99.99"), at.shop.ask("100")
    at.pay(small)
    at.pay(large)
    at.bury()
    assert at.status(small) is InvoiceStatus.PAID
    assert at.status(large) is InvoiceStatus.CONFIRMING and at.shop.held() == 99_990_000
    assert at.alerts() == [AlertKind.NODES_DISAGREE]
    assert "is not credited" in at.open_alerts()[0].sentence
    at.proxies[1].switch_off()
    at.rest(10)
    at.chain.node.mine()
    at.look(2)
    assert at.status(large) is InvoiceStatus.PAID and at.shop.statuses_told(large).count("paid") == 1
    assert at.shop.held() == 199_990_000 and at.alerts() == []


def test_f43_a_large_amount_waits_for_a_second_node_that_is_silent(stage: Stages) -> None:
    at = stage(2, large="100")
    at.proxies[1].switch_on(answers.ClosedConnections())
    large = at.shop.ask("100")
    at.pay(large)
    at.bury()
    assert at.status(large) is InvoiceStatus.CONFIRMING
    at.proxies[1].switch_off()
    at.rest(61)
    at.bury()
    assert at.paid_once(large)


def test_f43_with_one_node_there_is_nobody_to_ask(stage: Stages) -> None:
    at = stage(1, large="100")
    large = at.shop.ask("100")
    at.pay(large)
    at.bury()
    assert at.paid_once(large)


def test_f43_a_node_with_another_final_block_is_not_read_even_when_the_other_one_is_down(
    stage: Stages, start_chain: StartChain
) -> None:
    at = disputed(stage, start_chain)
    at.chain.node.mine(10)
    at.look()
    at.rest(61)
    at.chain.node.mine()
    at.look()
    assert at.alerts() == [AlertKind.NODES_DISAGREE]
    assert [node.state for node in at.network().nodes].count(NodeState.DISPUTED) == 1
    read = at.network().cursor
    at.proxies[0].switch_on(answers.ClosedConnections())
    at.chain.node.mine(3)
    at.look(2)
    assert (at.network().status, at.network().cursor) == (NetworkStatus.ACTIVE, read)
    at.proxies[0].switch_off()
    at.proxies[1].switch_off()
    at.rest(61)
    at.chain.node.mine()
    at.look(2)
    assert at.alerts() == [] and at.network().lag == 0
