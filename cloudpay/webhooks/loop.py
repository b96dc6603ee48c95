"""The delivery loop: many calls at once, woken by a nudge, by a finished call, or when the next attempt is due."""

import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import msgspec

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.log import get_logger
from cloudpay.webhooks.claims import Claim, claim_due, next_due_in, release_abandoned
from cloudpay.webhooks.client import WebhookClient
from cloudpay.webhooks.delivery import attempt
from cloudpay.webhooks.slots import CALLS_PER_ENDPOINT

_LONGEST_WAIT = timedelta(seconds=1)  # a lost nudge costs no more than this
_GRACE_SECONDS = 4.0  # below the time that a worker gives its loops to end

log = get_logger(__name__)


class DeliveryLoop:
    """Delivers what is due until it is told to stop; several may run beside each other, in any number of processes."""

    def __init__(self, gateway: Gateway, client: WebhookClient | None = None) -> None:
        self._gateway = gateway
        self._client = client or WebhookClient(gateway.settings.webhooks)
        own = msgspec.structs.replace(gateway.settings.webhooks, allow_private_targets=True)
        self._operators_client = WebhookClient(own)  # whose address no merchant chooses
        self._most = gateway.settings.webhooks.concurrency
        self._most_per_merchant = max(CALLS_PER_ENDPOINT + 1, self._most // 2)
        self._running: Counter[str | None] = Counter()
        self._lock = threading.Lock()
        self._began = False

    def run(self, stop: threading.Event, wake: threading.Event) -> None:
        """Deliver until `stop` is set (set `wake` too, to be heard at once), then end within a few seconds."""
        with ThreadPoolExecutor(self._most, thread_name_prefix="webhook") as pool:
            while not stop.is_set():
                wake.clear()
                wait = self._round(pool, wake)
                if wait and not stop.is_set():
                    wake.wait(wait.total_seconds())
            self._finish(wake)

    def _finish(self, wake: threading.Event) -> None:
        """Let the calls under way end; what takes too long is hung up on, and is due again for the next worker."""
        end = time.monotonic() + _GRACE_SECONDS
        while self._calls() and time.monotonic() < end:
            wake.clear()
            if self._calls():
                wake.wait(end - time.monotonic())
        self._client.hang_up()
        self._operators_client.hang_up()

    def _calls(self) -> int:
        with self._lock:
            return self._running.total()

    def _round(self, pool: ThreadPoolExecutor, wake: threading.Event) -> timedelta:
        """Claim and start what can be started; answer how long there is nothing more to do."""
        try:
            with self._lock:
                running = Counter(self._running)
            free = self._most - running.total()
            if not self._began:
                release_abandoned(self._gateway)
                self._began = True
            claims = claim_due(self._gateway, free, running, self._most_per_merchant)
            if claims:
                passing(Failpoint.DELIVERY_CLAIMED)
            for claim in claims:
                self._start(pool, claim, wake)
            if claims:
                return timedelta(0)
            planned = next_due_in(self._gateway)
        except Exception:  # the database is away, perhaps for long: this loop must outlive that
            log.exception("webhook_round_failed")
            return _LONGEST_WAIT
        return _LONGEST_WAIT if planned is None else min(planned, _LONGEST_WAIT)

    def _start(self, pool: ThreadPoolExecutor, claim: Claim, wake: threading.Event) -> None:
        with self._lock:
            self._running[claim.merchant_id] += 1

        def finished(future: Future[None]) -> None:
            with self._lock:
                self._running[claim.merchant_id] -= 1
            error = future.exception()
            if error is not None:  # nothing is lost: the claim runs out and the delivery is sent again
                log.error("webhook_attempt_failed", delivery=claim.delivery_id, exc_info=error)
            wake.set()

        client = self._operators_client if claim.merchant_id is None else self._client
        pool.submit(attempt, self._gateway, client, claim).add_done_callback(finished)
