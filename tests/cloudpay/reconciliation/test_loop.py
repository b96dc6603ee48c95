"""Each network is compared when its time has come; a drift is told once, and is over when both agree."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from cloudpay.alerts.service import AlertView, alert_views
from cloudpay.alerts.states import AlertKind
from cloudpay.app.gauges import GAUGES
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel import leases
from cloudpay.kernel.sections import Reconcile
from cloudpay.reconciliation.keeping import last_comparisons
from cloudpay.reconciliation.loop import LEASE, LEASE_TTL, ReconcileLoop
from cloudpay.wiring import loops
from tests.cloudpay.reconciliation.house import House


def told(house: House, history: int = 0) -> list[AlertView]:
    found = alert_views(house.shop.gateway, history=history)
    return [each for each in found if each.kind is AlertKind.LEDGER_DIFFERS]


@pytest.fixture
def turn(house: House, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let minutes pass, then have the loop do what is due."""
    monkeypatch.setattr("cloudpay.reconciliation.loop._PAUSE_SECONDS", 0.0)
    loop, stop = ReconcileLoop(house.shop.gateway), threading.Event()

    def after(minutes: float) -> None:
        house.desk.clock.advance(timedelta(minutes=minutes))
        loop.turn(stop)

    return after


def test_a_drift_is_told_once_and_cleared_when_it_is_gone(house: House, turn: Callable[..., None]) -> None:
    house.fund()
    turn(0)
    assert not told(house)
    house.chain.fund(house.master, 1)
    for _ in range(3):
        turn(60)
        house.shop.settle()
    [alert] = told(house)
    merchant = house.desk.master.merchant_id
    assert alert.subject == f"evm/{merchant}/test/master/ETH"
    assert "0.000000000000000001 ETH more" in alert.sentence
    assert last_comparisons(house.shop.gateway)["evm"].drifts == 1
    house.chain.fund(house.master, -1)
    turn(10)
    assert not told(house)
    [over] = told(house, history=10)
    assert over.cleared_by == "system"


def test_a_network_is_compared_every_so_often_and_sooner_after_a_failure(
    house: House, turn: Callable[..., None]
) -> None:
    house.fund()
    turn(0)
    first = last_comparisons(house.shop.gateway)["evm"]
    turn(59)
    assert last_comparisons(house.shop.gateway)["evm"] == first
    house.chain.go_down()
    turn(1)
    failed = last_comparisons(house.shop.gateway)["evm"]
    assert "connection refused" in failed.reason
    assert (failed.compared_at, failed.drifts) == (first.compared_at, 0), "what was known stands"
    house.chain.come_back()
    turn(1)
    assert last_comparisons(house.shop.gateway)["evm"].reason == ""


def test_a_drift_stands_while_nobody_can_be_asked(house: House, turn: Callable[..., None]) -> None:
    house.fund()
    house.chain.fund(house.master, 1)
    turn(0)
    house.chain.go_down()
    turn(10)
    assert len(told(house)) == 1


def test_a_process_whose_lease_was_taken_over_writes_nothing(house: House, turn: Callable[..., None]) -> None:
    house.fund()
    gateway = house.shop.gateway
    turn(0)
    before = last_comparisons(gateway)["evm"]
    house.desk.clock.advance(timedelta(hours=1))
    assert leases.acquire(gateway.db, gateway.clock, LEASE, "somebody else", LEASE_TTL) is not None
    turn(0)
    assert last_comparisons(gateway)["evm"] == before


def test_without_minutes_the_loop_compares_nothing_and_ends_when_it_is_asked_to(house: House) -> None:
    settings = replace_settings(house.shop.gateway, Reconcile(every_minutes=0))
    stop = threading.Event()
    thread = threading.Thread(target=ReconcileLoop(settings).run, args=(stop, threading.Event()))
    thread.start()
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert last_comparisons(settings) == {}


def replace_settings(gateway: Gateway, section: Reconcile) -> Gateway:
    return replace(gateway, settings=msgspec.structs.replace(gateway.settings, reconcile=section))


def test_the_loop_runs_until_it_is_stopped_and_gives_its_lease_back(house: House) -> None:
    house.fund()
    gateway, stop = house.shop.gateway, threading.Event()
    thread = threading.Thread(target=ReconcileLoop(gateway).run, args=(stop, threading.Event()))
    thread.start()
    try:
        for _ in range(600):
            if "evm" in last_comparisons(gateway) or not thread.is_alive():
                break
            thread.join(0.1)
    finally:
        stop.set()
        thread.join(10)
    assert last_comparisons(gateway)["evm"].drifts == 0
    assert leases.acquire(gateway.db, gateway.clock, LEASE, "somebody else", LEASE_TTL) is not None


def test_a_watcher_compares_and_whoever_only_sends_does_not(gateway: Gateway) -> None:
    assert ReconcileLoop in loops(gateway, "watch")
    assert ReconcileLoop not in loops(gateway, "send")


def test_the_gauges_tell_the_drifts_and_how_old_the_comparison_is(
    house: House, turn: Callable[..., None]
) -> None:
    house.fund()
    house.chain.fund(house.master, 1)
    turn(0)
    house.desk.clock.advance(timedelta(seconds=30))
    gauges = {each.name: each for each in GAUGES}
    assert list(gauges["cloudpay_ledger_drifts"].read(house.shop.gateway)) == [(("evm",), 1.0)]
    [(labels, age)] = gauges["cloudpay_ledger_compared_age_seconds"].read(house.shop.gateway)
    assert (labels, age) == (("evm",), 30.0)
