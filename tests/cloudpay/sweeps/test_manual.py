"""Collecting by hand: a plan that is only told changes nothing; one that is carried out waits for nothing."""

import json
from collections.abc import Callable

import pytest

from cloudpay.cli import session
from cloudpay.kernel.errors import Unavailable
from cloudpay.ledger.types import AccountKind
from cloudpay.payments.networks import pause
from cloudpay.sweeps import manual
from cloudpay.sweeps.manual import sweep_now, waiting
from cloudpay.transactions.errors import QuotesMissing
from cloudpay.transactions.service import want_quotes
from tests.cloudpay.cli.conftest import Run, run
from tests.cloudpay.sweeps.collector import Collector

__all__ = ["run"]


@pytest.fixture
def patient(open_collector: Callable[..., Collector]) -> Collector:
    """A shop that collects after a day, with two payments that wait, one of them dust, and fees that are known."""
    collector = open_collector(sweeps={"every_seconds": 86_400})
    collector.paid(10_000_000)
    collector.paid(15, "ETH")
    quoted(collector)
    return collector


def quoted(collector: Collector) -> None:
    gateway = collector.gateway
    gateway.db.run(lambda session: want_quotes(session, gateway, "evm"))
    collector.sender.work(look=True)


def test_a_dry_run_tells_the_plan_and_changes_nothing(patient: Collector) -> None:
    lines = {line.asset: line for line in sweep_now(patient.gateway, patient.network, dry_run=True)}
    assert (lines["USDT"].action, lines["USDT"].amount) == ("sweep", "10.00")
    assert lines["USDT"].top_up == "0.00000000000000006"
    assert lines["USDT"].fee == "0.00000000000000008"
    assert (lines["ETH"].action, lines["ETH"].reason) == ("leave", "The fee is as much as there is.")
    assert patient.spends() == []
    assert patient.booked("USDT").get(AccountKind.TRANSIT, 0) == 0


def test_by_hand_nothing_waits_for_its_time(patient: Collector) -> None:
    lines = {line.asset: line for line in sweep_now(patient.gateway, patient.network, dry_run=False)}
    [sweep] = patient.spends()
    assert lines["USDT"].spend_id == sweep.id
    again = {line.asset: line for line in sweep_now(patient.gateway, patient.network, dry_run=False)}
    assert again["USDT"].reason == "It is on its way to the master wallet."
    assert len(patient.spends()) == 1
    patient.go_on()
    assert patient.booked("USDT")[AccountKind.MASTER] == 10_000_000
    [line] = waiting(patient.gateway, patient.network)
    assert (line.asset, line.amount, line.action) == ("ETH", "0.000000000000000015", "leave")
    assert patient.agree()


def test_by_hand_a_closed_network_says_why_nothing_goes(patient: Collector) -> None:
    pause(patient.gateway, "evm", "a test", actor="test")
    with pytest.raises(Unavailable, match="a test"):
        sweep_now(patient.gateway, patient.network, dry_run=False)
    assert patient.spends() == []


def test_without_a_worker_that_asks_what_it_costs_that_is_said(
    open_collector: Callable[..., Collector], monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = open_collector(sweeps={"every_seconds": 86_400})
    monkeypatch.setattr(manual, "_PATIENCE_SECONDS", 0.0)
    with pytest.raises(QuotesMissing):
        sweep_now(collector.gateway, collector.network, dry_run=True)


def test_the_command_shows_the_plan_as_a_table_and_as_json(
    patient: Collector, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "open_gateway", lambda _settings, process: patient.gateway)
    shown = run("sweep", "evm", "--dry-run")
    assert shown.code == 0, shown.err
    assert "10.00" in shown.out and "top up" in shown.out
    rows = json.loads(run("sweep", "evm", "--list", "--json").out)
    assert {row["asset"]: row["action"] for row in rows} == {"USDT": "leave", "ETH": "leave"}
    assert run("sweep", "nowhere").code == 1
    assert run("sweep", "evm").out.count(patient.spends()[0].id) == 1
