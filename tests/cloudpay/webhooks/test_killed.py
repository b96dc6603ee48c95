"""A worker that is killed in the middle of a call loses nothing (F110)."""

import signal
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest

from cloudpay.testing import FixedClock
from cloudpay.webhooks.service import get_delivery
from cloudpay.webhooks.states import DeliveryStatus

WORKER = """
import sys, threading
from cloudpay import tables
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.registry import Chains
from cloudpay.kernel.clock import DatabaseClock
from cloudpay.kernel.db import Database
from cloudpay.kernel.secrets import KEY_BYTES, AppKey
from cloudpay.kernel.sections import Webhooks
from cloudpay.kernel.settings import Settings
from cloudpay.webhooks import delivery
from cloudpay.webhooks.loop import DeliveryLoop

if sys.argv[2] == "after the answer":
    def stop_there(*_):
        print("answered", flush=True)
        threading.Event().wait()
    delivery.settle = stop_there

settings = Settings(webhooks=Webhooks(allow_private_targets=True))
gateway = Gateway(settings, Database(sys.argv[1]), DatabaseClock(), Chains((), "evm"), AppKey(bytes(KEY_BYTES)))
DeliveryLoop(gateway).run(threading.Event(), threading.Event())
"""


@pytest.mark.parametrize("moment", ["before the answer", "after the answer"])
def test_a_call_that_was_killed_is_made_again_with_the_same_id(
    bench: Any, receive: Any, tools: Any, clock: FixedClock, moment: str
) -> None:
    receiver = receive(hang=True)
    bench.enqueue(receiver.url)
    command = [sys.executable, "-c", WORKER, bench.gateway.db.url, moment]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        receiver.wait(1)
        if (
            moment == "after the answer"
        ):  # the merchant has it, and the worker dies before it writes that down
            receiver.release.set()
            assert worker.stdout is not None
            assert any(line == "answered\n" for line in worker.stdout)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
    receiver.release.set()
    receiver.answers = [tools.status(200)]
    clock.advance(timedelta(minutes=1))
    with tools.running(bench.gateway):
        first, second = receiver.wait(2)
        done = bench.until(lambda each: each.status is DeliveryStatus.SUCCEEDED)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    attempts = get_delivery(bench.gateway, bench.merchant.id, done.id).attempts
    assert [(each.status_code, each.duration_ms is None) for each in attempts] == [(None, True), (200, False)]
