"""The loop of one network: one process watches, another stands by, and trouble with nodes passes."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from cloudpay.chains.errors import WrongChain
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.registry import load_chains
from cloudpay.chains.types import BlockRef, Head, Page
from cloudpay.chains.types import Watch as Ours
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.kernel.leases import LeaseRow
from cloudpay.payments import loop as loop_module
from cloudpay.payments.loop import LEASE_TTL
from cloudpay.payments.networks import pause, resume
from cloudpay.payments.states import NetworkStatus
from cloudpay.testing import FakeChain, FakePlugin, FixedClock
from tests.cloudpay.payments.looping import LIMIT, Impatient, Running, eventually, holder, view
from tests.cloudpay.shop import Shop

Watch = Callable[..., Running]
SECOND = timedelta(seconds=1)


@pytest.fixture
def chain(fakes: FakePlugin) -> FakeChain:
    """The chain `evm`, with some blocks on it."""
    fakes.chains["evm"].mine(5)
    return fakes.chains["evm"]


@pytest.fixture
def watch(gateway: Gateway, fakes: FakePlugin) -> Iterator[Watch]:
    """Start loops of `evm`; keywords change the network's settings."""
    started: list[Running] = []

    def start(*, wake: threading.Event | None = None, **changes: object) -> Running:
        chains = load_chains({"evm": {"live": False, **changes}}, "evm", ("fake", fakes))
        started.append(Running(replace(gateway, chains=chains), wake or Impatient()))
        return started[-1]

    yield start
    for each in started:
        each.end()


def has_read(gateway: Gateway, chain: FakeChain) -> Callable[[], bool]:
    return lambda: view(gateway).cursor == chain.height


def is_(gateway: Gateway, status: NetworkStatus) -> Callable[[], bool]:
    return lambda: view(gateway).status is status


def test_one_loop_watches_and_another_takes_over_at_once_when_it_stops(
    gateway: Gateway, chain: FakeChain, watch: Watch
) -> None:
    first = watch()
    eventually(has_read(gateway, chain), "the first loop reads")
    second = watch()
    assert second.stood_by.wait(LIMIT)
    chain.mine(3)
    eventually(has_read(gateway, chain), "the first loop reads on")
    assert holder(gateway) == (first.name, 1)
    first.end()  # the clock stands still: no lease runs out here
    eventually(lambda: holder(gateway) == (second.name, 2), "the second loop takes over")
    chain.mine(3)
    eventually(has_read(gateway, chain), "the second loop reads on")


def test_a_loop_that_hung_beyond_its_lease_commits_nothing_and_stands_by(
    shop: Shop, clock: FixedClock, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.watcher.keeper.release()
    first = watch()
    eventually(lambda: (holder(shop.gateway) or ("",))[0] == first.name, "the first loop has the lease")
    hung, go_on = _hang(monkeypatch, shop.chain, first)
    assert hung.wait(LIMIT)
    invoice = shop.ask()
    shop.pay(invoice)
    shop.chain.mine(5)
    second = watch()
    assert second.stood_by.wait(LIMIT)
    clock.advance(LEASE_TTL + SECOND)
    eventually(has_read(shop.gateway, shop.chain), "the second loop takes over and reads on")
    held = holder(shop.gateway)
    assert held is not None
    assert held[0] == second.name
    go_on.set()
    assert first.stood_by.wait(LIMIT)
    shop.chain.mine(2)
    eventually(has_read(shop.gateway, shop.chain), "the second loop reads on")
    assert holder(shop.gateway) == held
    shop.settle()
    assert shop.state(invoice).status is InvoiceStatus.PAID
    assert shop.held() == 10_000_000


def test_a_page_that_takes_longer_than_a_lease_is_committed_though_another_loop_stands_by(
    shop: Shop, clock: FixedClock, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_module, "LEASE_TTL", timedelta(seconds=0.6))
    shop.watcher.keeper.release()
    first = watch()
    eventually(lambda: (holder(shop.gateway) or ("",))[0] == first.name, "the first loop has the lease")
    eventually(has_read(shop.gateway, shop.chain), "the first loop reads")
    held = holder(shop.gateway)
    reading, go_on, scan = threading.Event(), threading.Event(), shop.chain.scan

    def slow(after: BlockRef | None, limit: int, ours: Ours) -> Page:
        if threading.current_thread() is first.thread:
            reading.set()
            assert go_on.wait(LIMIT)
        return scan(after, limit, ours)

    monkeypatch.setattr(shop.chain, "scan", slow)
    invoice = shop.ask()
    shop.pay(invoice)
    shop.chain.mine(6)
    assert reading.wait(LIMIT)
    second = watch()
    assert second.stood_by.wait(LIMIT)
    for _ in range(4):
        is_renewed = renewed_from(shop.gateway, ends(shop.gateway))
        clock.advance(timedelta(seconds=0.4))
        eventually(is_renewed, "the lease is renewed")
        assert holder(shop.gateway) == held
    go_on.set()
    eventually(has_read(shop.gateway, shop.chain), "the first loop takes its page in")
    shop.settle()
    assert shop.state(invoice).status is InvoiceStatus.PAID
    assert holder(shop.gateway) == held and shop.held() == 10_000_000


def ends(gateway: Gateway) -> datetime:
    """When the network's lease runs out."""
    with gateway.db.read() as session:
        return session.scalars(select(LeaseRow.until).where(LeaseRow.name == "watch:evm")).one()


def renewed_from(gateway: Gateway, until: datetime) -> Callable[[], bool]:
    return lambda: ends(gateway) > until


def _hang(
    monkeypatch: pytest.MonkeyPatch, chain: FakeChain, loop: Running
) -> tuple[threading.Event, threading.Event]:
    """Have the node answer this loop only when the second event is set; the first says that the loop waits."""
    hung, go_on, head = threading.Event(), threading.Event(), chain.head

    def slow() -> Head:
        if threading.current_thread() is loop.thread and not go_on.is_set():
            known = head()
            hung.set()
            assert go_on.wait(LIMIT)
            return known
        return head()

    monkeypatch.setattr(chain, "head", slow)
    return hung, go_on


def test_an_unreachable_node_at_the_start_is_tried_again_until_it_answers(
    gateway: Gateway, chain: FakeChain, watch: Watch
) -> None:
    chain.go_down("connection refused")
    wake = Impatient()
    watch(wake=wake)
    eventually(lambda: len(wake.asked) >= 3, "it is tried again")
    waiting = view(gateway)
    assert (waiting.status, waiting.cursor) == (NetworkStatus.UNVERIFIED, None)
    assert "connection refused" in waiting.reason
    chain.come_back()
    eventually(has_read(gateway, chain), "the loop reads")
    assert view(gateway).status is NetworkStatus.ACTIVE


def test_f42_a_wrong_chain_at_the_start_stops_the_loop_and_says_so(
    gateway: Gateway, chain: FakeChain, watch: Watch
) -> None:
    chain.wrong_chain = True
    assert isinstance(watch().failure(), WrongChain)
    stopped = view(gateway)
    assert (stopped.status, stopped.cursor) == (NetworkStatus.UNVERIFIED, None)
    assert "is on chain another" in stopped.reason
    assert holder(gateway) is None
    chain.wrong_chain = False
    watch()
    eventually(has_read(gateway, chain), "a new start reads")


def test_f42_a_node_that_is_on_another_chain_later_is_not_read_and_the_loop_goes_on(
    gateway: Gateway, chain: FakeChain, watch: Watch
) -> None:
    wake = Impatient()
    watch(wake=wake)
    eventually(has_read(gateway, chain), "the loop reads")
    read = chain.height
    pause(gateway, "evm", "The nodes are being changed.")
    chain.wrong_chain = True
    chain.mine(3)
    resume(gateway, "evm")
    tried = len(wake.asked)
    eventually(lambda: len(wake.asked) > tried + 2, "it is tried again")
    assert (view(gateway).status, view(gateway).cursor) == (NetworkStatus.UNVERIFIED, read)
    chain.wrong_chain = False
    eventually(has_read(gateway, chain), "the loop reads on")
    assert view(gateway).status is NetworkStatus.ACTIVE


def test_a_wake_cuts_the_wait_short(gateway: Gateway, chain: FakeChain, watch: Watch) -> None:
    loop = watch(wake=threading.Event(), poll_seconds=3600.0)
    eventually(has_read(gateway, chain), "the loop reads")
    chain.mine()
    loop.wake.set()
    eventually(has_read(gateway, chain), "the wake is heard")
    loop.end()


def test_f41_a_node_that_is_down_is_asked_less_and_less_often_and_as_before_when_it_is_back(
    chain: FakeChain, watch: Watch
) -> None:
    chain.go_down()
    wake = Impatient()
    watch(wake=wake, poll_seconds=0.25)
    eventually(lambda: len(wake.asked) >= 14, "it is tried again and again")
    for failures, waited in enumerate(wake.asked[:14], start=1):
        longest = min(30.0, 0.25 * 2**failures)
        assert longest / 2 <= waited <= longest, (failures, waited)
    chain.come_back()
    eventually(lambda: wake.asked[-1] == 0.25, "it is asked as often as before")


def test_f35_a_network_whose_nodes_stay_silent_is_stalled_and_goes_on_when_they_answer(
    gateway: Gateway, chain: FakeChain, clock: FixedClock, watch: Watch
) -> None:
    wake = Impatient()
    watch(wake=wake, stalled_after_seconds=120)
    eventually(is_(gateway, NetworkStatus.ACTIVE), "the network is verified")
    chain.go_down("no route to host")
    clock.advance(timedelta(seconds=100))
    tried = len(wake.asked)
    eventually(lambda: len(wake.asked) > tried + 2, "it is tried again")
    assert view(gateway).status is NetworkStatus.ACTIVE
    clock.advance(timedelta(seconds=100))
    eventually(is_(gateway, NetworkStatus.STALLED), "the silence is noted")
    assert "no route to host" in view(gateway).reason
    chain.come_back()
    chain.mine()
    eventually(is_(gateway, NetworkStatus.ACTIVE), "the network goes on")
    assert has_read(gateway, chain)()
