"""A machine whose clock is a day off: every decision about time is the database's, so nothing changes (F44)."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cloudpay.invoices.states import InvoiceStatus
from cloudpay.kernel.clock import DatabaseClock
from cloudpay.payments.states import NetworkStatus
from cloudpay_devnet.pytest_plugin import StartChain
from tests.docs.pages import ROOT
from tests.flows.nodes.conftest import Stage, Stages
from tests.flows.realshop import network_table

pytestmark = pytest.mark.flow

DAY = 86_400


def elsewhere(at: Stage, off: int) -> datetime:
    """Have another process look once, whose clocks are off; answer the time that it believed it was."""
    table = json.dumps(network_table(at.chain, stalled_after_seconds=300))
    url = at.shop.gateway.db.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.flows.nodes.skewed", str(off), url, table]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return datetime.fromisoformat(done.stdout.split()[-1])


@pytest.mark.parametrize("off", [DAY, -DAY], ids=["a day ahead", "a day behind"])
def test_f44_a_process_whose_clock_is_a_day_off_changes_nothing(
    stage: Stages, start_chain: StartChain, off: int
) -> None:
    at = stage(1, start_chain("evm"))
    at.shop.gateway = replace(at.shop.gateway, clock=DatabaseClock())
    at.watcher.keeper.release()
    open_one, paid = at.shop.ask("10"), at.shop.ask("20")
    at.pay(paid)
    at.chain.node.mine(3)
    believed = elsewhere(at, off)
    assert abs(believed - datetime.now(UTC) - timedelta(seconds=off)) < timedelta(minutes=5)
    assert at.status(open_one) is InvoiceStatus.PENDING, "it has an hour, whatever that machine thinks"
    assert at.status(paid) is InvoiceStatus.PAID
    view, [payment] = at.network(), at.shop.state(paid).payments
    assert (view.status, view.lag, at.alerts()) == (NetworkStatus.ACTIVE, 0, [])
    assert view.answered_at is not None and abs(view.answered_at - datetime.now(UTC)) < timedelta(minutes=5)
    assert abs(payment.first_seen_at - datetime.now(UTC)) < timedelta(minutes=5)
    assert at.shop.statuses_told(paid).count("paid") == 1
