"""Nodes that answer badly, or not at all: backed off from, failed over from, and nothing is lost (F39 to F41)."""

import pytest

from cloudpay.alerts.states import AlertKind
from cloudpay.chains.types import Capability
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.payments.states import NetworkStatus
from cloudpay_devnet.faultproxy import Answered, JsonCall
from cloudpay_devnet.faultproxy.faults import answers
from cloudpay_devnet.faultproxy.faults.limits import NoTraces, RangeLimit
from cloudpay_devnet.faultproxy.faults.transactions import MissingReceipts
from cloudpay_devnet.pytest_plugin import StartChain
from tests.flows.nodes.conftest import Stages

pytestmark = pytest.mark.flow

BAD = [
    answers.TooManyRequests(),
    answers.TooManyRequests(retry_after=30),
    answers.ServiceUnavailable(),
    answers.RateLimited(),
    answers.HtmlPage(),
    answers.CutJson(),
    answers.CutJson(told=True),
    answers.ClosedConnections(),
    answers.Latency(seconds=0.6),
]


def test_f41_the_next_node_is_asked_and_each_payment_is_credited_once(stage: Stages) -> None:
    at = stage()
    for number, fault in enumerate(BAD, 1):
        faulty = next(each for each in at.proxies if each.url.endswith(at.reading().rpartition(":")[2]))
        before = {node.node: node.failures for node in at.watcher.adapter.health()}
        invoice = at.shop.ask("10")
        with faulty.faulty(fault):
            at.pay(invoice)
            at.bury()
        assert at.status(invoice) is InvoiceStatus.PAID, fault
        assert at.shop.statuses_told(invoice).count("paid") == 1, fault
        assert at.shop.held() == 10_000_000 * number, fault
        [left] = [node for node in at.watcher.adapter.health() if node.failures > before[node.node]]
        assert faulty.url.endswith(left.node) and left.score < 100 and left.last_error, fault
        at.rest(40)


def test_f41_with_one_node_nothing_moves_until_it_answers_again_and_nothing_is_lost(stage: Stages) -> None:
    at = stage(1)
    for number, fault in enumerate(BAD, 1):
        invoice = at.shop.ask("10")
        read = at.network().cursor
        with at.proxies[0].faulty(fault):
            at.pay(invoice)
            at.chain.node.mine(5)
            at.look(2)
            assert at.network().cursor == read, fault
            assert at.status(invoice) is InvoiceStatus.PENDING, fault
        at.rest(40)
        at.bury(1)
        assert at.status(invoice) is InvoiceStatus.PAID, fault
        assert at.shop.held() == 10_000_000 * number, fault


def test_f41_a_failing_node_is_asked_less_and_less_often(stage: Stages) -> None:
    at = stage(1)
    at.waits.clear()
    at.proxies[0].switch_on(answers.ServiceUnavailable())
    before = len(at.proxies[0].calls)
    for _ in range(8):
        at.look()
        at.passed += 1.0  # as long as the shortest wait
    assert at.waits[-1] > 3 * at.waits[0]
    assert len(at.proxies[0].calls) - before < 8, "a node that rests was asked all the same"


def test_f41_a_node_is_left_in_peace_for_as_long_as_it_asks(stage: Stages) -> None:
    at = stage(1)
    at.proxies[0].switch_on(answers.TooManyRequests(retry_after=120), times=1)
    at.look()
    asked = len(at.proxies[0].calls)
    at.passed += 100
    at.look()
    assert len(at.proxies[0].calls) == asked
    at.passed += 25
    at.look()
    assert len(at.proxies[0].calls) > asked and at.watcher.adapter.health()[0].rests_for == 0


def test_f41_a_node_that_only_fails_is_told_of_and_again_when_it_is_back(stage: Stages) -> None:
    at = stage()
    at.proxies[0].switch_on(answers.ServiceUnavailable())
    for _ in range(16):  # it is looked at once a minute beside the other, and written down far more often
        at.chain.node.mine()
        at.look()
        at.rest(8)
    assert at.alerts() == [AlertKind.NODE_DOWN]
    [alert] = at.open_alerts()
    assert "503" in alert.sentence and "rpc_urls" in alert.advice
    down = next(node for node in at.network().nodes if node.state == "resting")
    assert down.down_since is not None and down.last_error == "HTTP 503"
    at.proxies[0].switch_off()
    at.rest(61)
    at.chain.node.mine()
    at.look(2)
    assert at.alerts() == [] and {node.state for node in at.network().nodes} == {"up"}


def test_f41_silence_of_every_node_stalls_the_network_and_says_so_once(stage: Stages) -> None:
    at = stage()
    for proxy in at.proxies:
        proxy.switch_on(answers.ClosedConnections())
    for _ in range(3):
        at.look()
        at.rest(200)
    at.look()
    assert at.network().status is NetworkStatus.STALLED
    assert at.alerts().count(AlertKind.NETWORK_STALLED) == 1
    assert {node.state for node in at.network().nodes} == {"resting"}
    for proxy in at.proxies:
        proxy.switch_off()
    at.rest(20)
    at.chain.node.mine()
    at.look(2)
    assert at.network().status is NetworkStatus.ACTIVE and at.alerts() == []


def test_f39_no_receipt_for_a_known_transaction_is_asked_for_again_and_never_means_failed(
    stage: Stages,
) -> None:
    at = stage(1)
    invoice = at.shop.ask("1", "ETH")
    read = at.network().cursor
    switch = at.proxies[0].switch_on(MissingReceipts())
    at.pay(invoice, symbol="ETH")
    at.look(3)
    assert switch.hits and at.network().cursor == read
    assert at.status(invoice) is InvoiceStatus.PENDING
    at.proxies[0].switch_off(switch)
    at.rest()
    at.bury()
    assert at.paid_once(invoice)


def test_f40_ranges_are_halved_down_to_one_block_in_whatever_words_they_are_refused(stage: Stages) -> None:
    at = stage(1)
    invoices = []
    for provider in ("alchemy", "infura", "cloudflare"):  # all of them: the plugin's own tests
        invoices.append(at.shop.ask("10"))
        with at.proxies[0].faulty(RangeLimit(blocks=1, provider=provider)) as switch:
            at.chain.node.mine(5)
            at.pay(invoices[-1])
            at.chain.node.mine(6)
            at.look()
            assert switch.hits, provider
            assert at.status(invoices[-1]) is InvoiceStatus.PAID, provider
            assert at.watcher.adapter.health()[0].failures == 0, "a refused range is no failure of the node"
    assert at.shop.held() == 10_000_000 * len(invoices)


def test_f40_more_logs_than_a_host_gives_at_once_are_fetched_in_parts(stage: Stages) -> None:
    at = stage(1)
    invoices = [at.shop.ask("10") for _ in range(6)]
    at.proxies[0].switch_on(RangeLimit(blocks=0, results=2, provider="infura"))
    for invoice in invoices:
        at.pay(invoice)
    at.bury()
    assert [at.status(each) for each in invoices] == [InvoiceStatus.PAID] * 6
    assert at.shop.held() == 60_000_000


def test_when_traces_vanish_the_balances_find_what_contracts_send(
    stage: Stages, start_chain: StartChain
) -> None:
    at = stage(2, start_chain("evm"))
    invoice = at.shop.ask("1", "ETH")
    for proxy in at.proxies:
        proxy.switch_on(NoTraces())
    at.chain.pay_through_contract(invoice.option.address, invoice.option.amount)
    at.look()
    at.rest()
    at.chain.node.mine(4)
    at.look()
    at.chain.node.mine(4)
    at.look(2)
    assert at.paid_once(invoice) and at.network().status is NetworkStatus.ACTIVE


def test_f40_a_block_that_no_node_traces_holds_up_no_tokens_and_its_money_is_credited_once(
    stage: Stages, start_chain: StartChain
) -> None:
    at = stage(2, start_chain("evm"))
    coins, tokens = at.shop.ask("1", "ETH"), at.shop.ask("10")
    at.chain.pay_through_contract(coins.option.address, coins.option.amount)
    height = at.chain.node.block_number()

    def without_one(call: JsonCall) -> Answered | None:
        is_it = call["method"] == "trace_block" and call["params"] == [hex(height)]
        return Answered([]) if is_it else None

    for proxy in at.proxies:
        proxy.on_call = without_one
    at.pay(tokens)
    for _ in range(7):
        at.look()
        at.rest()
    at.bury()
    assert at.status(tokens) is InvoiceStatus.PAID
    at.bury()
    assert at.status(coins) is InvoiceStatus.PAID
    assert Capability.TRACES not in at.watcher.adapter.capabilities
    for proxy in at.proxies:
        proxy.on_call = lambda _: None
    at.passed += 600  # for the plugin's clock alone: the chain does not stand still
    at.bury()
    assert Capability.TRACES in at.watcher.adapter.capabilities
    at.shop.rescan(height, height)
    at.bury()
    for invoice in (coins, tokens):
        assert at.shop.statuses_told(invoice).count("paid") == 1
    assert (
        at.shop.held("") == coins.option.amount
        and at.shop.held() == coins.option.amount + tokens.option.amount
    )
