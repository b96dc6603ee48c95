"""The loop of one network: woken by nudges, leased, and without a chain library while there is nothing to do."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from cloudpay.chains.errors import WrongChain
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.spending import FeeQuote, FeeTier
from cloudpay.ledger.outgoing import Funding, post_funding_reversed
from cloudpay.testing import FixedClock
from cloudpay.transactions.errors import QuotesMissing
from cloudpay.transactions.loop import SendLoop
from cloudpay.transactions.service import fee_quotes, want_quotes
from tests.cloudpay.payments.looping import LIMIT, eventually
from tests.cloudpay.transactions.desk import FUNDS, Desk, no_gate


def ask(gateway: Gateway) -> dict[tuple[FeeTier, str], int]:
    """Answer the quotes of `evm`."""
    with gateway.db.read() as session:
        return dict(fee_quotes(session, "evm"))


def empty(desk: Desk) -> None:
    """Have nothing in the books of the master wallet."""
    funding = desk.gateway.db.run
    who = (
        desk.network.code,
        "fund--" + str(FUNDS),
        desk.master.address,
        "",
        0,
        desk.master.merchant_id,
        False,
    )
    funding(lambda session: post_funding_reversed(session, Funding(*who, FUNDS), desk.clock.now(session)))


class Running:
    """A loop in a thread of its own, as a worker runs it."""

    def __init__(self, gateway: Gateway) -> None:
        self.loop = SendLoop(gateway, gateway.chains.network("evm"), no_gate)
        self.stop, self.wake = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.loop.run, args=(self.stop, self.wake), daemon=True)
        self.thread.start()

    def end(self) -> None:
        """Stop it, and wait until it has ended."""
        self.stop.set()
        self.wake.set()
        self.thread.join(LIMIT)
        assert not self.thread.is_alive()


def test_a_worker_sends_what_is_queued_and_another_one_takes_over(desk: Desk) -> None:
    first, second = Running(desk.gateway), Running(desk.gateway)
    desk.pay("p1")
    first.wake.set()
    second.wake.set()
    eventually(lambda: desk.statuses("p1") == ["sent"], "the payout is sent")
    first.end()
    desk.pay("p2")
    second.wake.set()
    eventually(lambda: desk.statuses("p2") == ["sent"], "the second payout is sent")
    second.end()
    assert len(desk.transactions()) == 2


def test_a_request_nudges_the_workers_of_the_queue(desk: Desk) -> None:
    nudged: list[str] = []
    desk.gateway.db.nudge = nudged.append
    desk.pay("p1")
    assert "send" in nudged


def test_no_chain_library_is_loaded_while_there_is_nothing_to_do(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty(desk)
    loop = SendLoop(desk.gateway, desk.network, no_gate)
    monkeypatch.setattr(desk.gateway.chains, "spending", lambda _code: pytest.fail("it was opened"))
    assert loop._turn() > 0


def test_f42_a_worker_signs_nothing_on_another_chain(desk: Desk) -> None:
    desk.chain.wrong_chain = True
    loop = SendLoop(desk.gateway, desk.network, no_gate)
    desk.pay("p1")
    with pytest.raises(WrongChain):
        desk.chain.verify()
    assert loop._turn() > 0
    assert desk.attempts() == []
    desk.chain.wrong_chain = False
    loop._turn()
    assert desk.statuses("p1") == ["sent"]


def test_trouble_with_nodes_passes(desk: Desk) -> None:
    loop = SendLoop(desk.gateway, desk.network, no_gate)
    desk.chain.go_down()
    desk.pay("p1")
    assert loop._turn() > 0
    desk.chain.come_back()
    loop._turn()
    assert desk.statuses("p1") == ["sent"]


def test_a_wallet_that_cannot_be_opened_leaves_payouts_waiting(desk: Desk) -> None:
    key = desk.gateway.settings.seal_key_path
    kept = key.read_text()
    key.unlink()
    desk.pay("p1")
    without, other = (SendLoop(desk.gateway, desk.network, no_gate) for _ in range(2))
    assert without._turn() > 0
    assert desk.statuses("p1") == ["queued"]
    key.write_text(kept)
    other._turn()  # the one without the key holds no lease that another could not have
    assert desk.statuses("p1") == ["sent"]


def test_where_a_master_wallet_holds_anything_what_sending_costs_is_known_before_anybody_asks(
    desk: Desk, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, fee_quotes = list[int](), desk.chain.fee_quotes

    def noted() -> tuple[FeeQuote, ...]:
        asked.append(1)
        return fee_quotes()

    monkeypatch.setattr(desk.chain, "fee_quotes", noted)
    loop = SendLoop(desk.gateway, desk.network, no_gate)
    loop._turn()
    assert ask(desk.gateway)[FeeTier.HIGH, ""] == 40
    for _ in range(8):
        clock.advance(timedelta(seconds=60))
        loop._turn()
    assert len(asked) == 1, "and asked seldom, while nobody wants to know"
    clock.advance(timedelta(seconds=121))
    loop._turn()
    assert len(asked) == 2


def test_quotes_are_missing_until_the_worker_has_asked_and_follow_the_chain_while_wanted(
    open_desk: Callable[..., Desk], clock: FixedClock
) -> None:
    desk = open_desk()
    empty(desk)
    desk.work()
    with pytest.raises(QuotesMissing):
        ask(desk.gateway)
    with desk.gateway.db.transaction() as session:
        want_quotes(session, desk.gateway, "evm")
    desk.work()
    assert ask(desk.gateway)[FeeTier.HIGH, ""] == 40
    usdt = desk.network.asset("USDT").key
    assert ask(desk.gateway)[FeeTier.LOW, usdt] == 30
    desk.chain.prices[FeeTier.HIGH] = 50
    desk.work(after=310)
    assert ask(desk.gateway)[FeeTier.HIGH, ""] == 40  # nobody wants to know
    with desk.gateway.db.transaction() as session:
        want_quotes(session, desk.gateway, "evm")
    desk.work()
    assert ask(desk.gateway)[FeeTier.HIGH, ""] == 50
    desk.chain.prices[FeeTier.HIGH] = 60
    desk.work(after=16)
    assert ask(desk.gateway)[FeeTier.HIGH, ""] == 60
