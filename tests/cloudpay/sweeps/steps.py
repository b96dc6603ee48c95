"""Turns of everybody who collects, with ledger and chain held against each other after each of them."""

from datetime import timedelta

from cloudpay.reconciliation.service import Patience, reconcile
from cloudpay.sweeps.cold import collect_surplus
from cloudpay.sweeps.service import collect
from tests.cloudpay.sweeps.collector import Collector


def drifts(collector: Collector) -> dict[tuple[str, str], int]:
    found = reconcile(collector.gateway, "evm", Patience(lambda: None))
    return {(each.pot.place.value, each.pot.asset): each.drift for each in found.drifts}


def step(collector: Collector) -> None:
    """A block, and one turn of everybody; ledger and chain are held against each other after each of them."""
    collector.clock.advance(timedelta(seconds=5))
    collector.chain.mine()
    assert not drifts(collector), "before anybody has looked at the new block"
    collector.shop.look()
    assert not drifts(collector), "after the watcher"
    collect(collector.gateway)
    collect_surplus(collector.gateway)
    assert not drifts(collector), "after what is to be collected was booked"
    collector.sender.work(look=True)
    assert not drifts(collector), "after the sender"
