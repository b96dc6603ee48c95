"""The whole flow on one page: which event leads where, what runs when, which loops a worker has."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from cloudpay.alerts import service as alerts
from cloudpay.chains.gateway import Gateway
from cloudpay.invoices.change import apply_payments, expire_due
from cloudpay.kernel.queues import Runnable
from cloudpay.merchants import idempotency
from cloudpay.outbox import service as outbox
from cloudpay.outbox.service import Handler, Together
from cloudpay.payments.loop import WatchLoop
from cloudpay.payments.networks import require_open
from cloudpay.payouts.changes import apply_spends
from cloudpay.reconciliation.loop import ReconcileLoop
from cloudpay.sweeps.cold import collect_surplus
from cloudpay.sweeps.following import follow_sweep
from cloudpay.sweeps.reserves import look_at_reserves
from cloudpay.sweeps.service import collect
from cloudpay.transactions.loop import SendLoop
from cloudpay.webhooks.pruning import prune as prune_webhooks
from cloudpay.wiring.drain import DrainLoop
from cloudpay.wiring.operator import tell_operator
from cloudpay.wiring.sweeps import collect_payments
from cloudpay.wiring.watchdog import look_for_trouble
from cloudpay.wiring.webhooks import tell_endpoint, tell_of_payout

EVENT_HANDLERS: Mapping[str, Sequence[Handler]] = {
    "payment.changed": [Together(apply_payments), Together(collect_payments)],
    "payment.reversed": [Together(apply_payments)],
    "invoice.changed": [tell_endpoint],
    "spend.changed": [Together(apply_spends), follow_sweep],
    "payout.changed": [tell_of_payout],
    "alert.opened": [tell_operator],
    "alert.cleared": [tell_operator],
}
"""Which functions an event is handed to; one that is not named here is only kept for a while."""

SCHEDULE: Mapping[str, tuple[float, Callable[[Gateway], object]]] = {
    "expire invoices": (1.0, expire_due),
    "collect from deposit addresses": (1.0, collect),
    "send surplus on": (60.0, collect_surplus),
    "look at gas stations": (60.0, look_at_reserves),
    "look for trouble": (60.0, look_for_trouble),
    "forget alerts": (3600.0, alerts.prune),
    "forget handled events": (60.0, outbox.prune),
    "forget finished webhooks": (60.0, prune_webhooks),
    "forget idempotency keys": (60.0, idempotency.prune),
}
"""What runs every so many seconds, in one process of the gateway at a time."""


def loops(gateway: Gateway, queue: str) -> Sequence[Callable[[Gateway], Runnable]]:
    """Answer the loops of a worker of this queue, each to be run in a thread of its own."""
    if queue == "watch":
        watching = [partial(WatchLoop, network=network) for network in gateway.chains]
        return [*watching, ReconcileLoop]
    if queue == "send":
        sending = (network for network in gateway.chains if network.sends)
        return [partial(SendLoop, network=network, gate=require_open) for network in sending]
    return _LOOPS.get(queue, ())


def _delivery_loop(gateway: Gateway) -> Runnable:
    # Only the workers of this queue load the HTTP client: 5 MB and a tenth of a second in every other process.
    from cloudpay.webhooks.loop import DeliveryLoop

    return DeliveryLoop(gateway)


_LOOPS: Mapping[str, Sequence[Callable[[Gateway], Runnable]]] = {
    "events": [partial(DrainLoop, handlers=EVENT_HANDLERS)],
    "webhooks": [_delivery_loop],
}
