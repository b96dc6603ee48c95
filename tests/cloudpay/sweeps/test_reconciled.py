"""What is collected, topped up and moved on agrees with the chain at every block of its way, to the base unit."""

from collections.abc import Callable

import pytest

from cloudpay.payments.networks import resume
from cloudpay.testing import fake_address
from tests.cloudpay.sweeps.collector import Collector
from tests.cloudpay.sweeps.steps import step


def ended(collector: Collector) -> set[str]:
    return {each.status for each in collector.spends()}


def test_a_top_up_and_a_sweep_agree_at_every_block(collector: Collector) -> None:
    collector.paid()
    for _ in range(16):
        step(collector)
    assert {kind for kind, _ in collector.stand()} == {"sweep", "top_up"}
    assert ended(collector) == {"confirmed"}


def test_native_coins_that_are_collected_agree_at_every_block(collector: Collector) -> None:
    collector.paid(10**6, "ETH")
    for _ in range(12):
        step(collector)
    assert ended(collector) == {"confirmed"}


def test_a_sweep_that_reverts_costs_its_address_the_fee(collector: Collector) -> None:
    collector.paid()
    for _ in range(6):
        step(collector)
    collector.chain.refusing.add(collector.master.address)
    for _ in range(6):
        step(collector)
    collector.chain.refusing.clear()
    for _ in range(10):
        step(collector)
    assert "failed" in ended(collector)


def test_surplus_that_goes_to_a_cold_wallet_agrees_at_every_block(
    open_collector: Callable[..., Collector],
) -> None:
    collector = open_collector(cold_address=fake_address("cold"), assets={"USDT": {"cold_above": "1"}})
    collector.paid()
    for _ in range(24):
        step(collector)
    assert "cold" in {kind for kind, _ in collector.stand()}
    assert ended(collector) == {"confirmed"}


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_f33_a_sweep_that_a_reorganisation_takes_out_agrees_when_it_is_back(
    collector: Collector, depth: int
) -> None:
    collector.paid()
    for _ in range(8):
        step(collector)
    collector.chain.reorg(depth, remine=False)
    collector.shop.look()
    if depth > 3:
        resume(collector.gateway, "evm", actor="cli:test")
        collector.shop.verify()
        collector.shop.look()
    collector.sender.work(look=True)
    collector.chain.mine(depth + 1)
    for _ in range(3):
        collector.shop.look()
        collector.sender.work(look=True)
    for _ in range(12):
        step(collector)
    assert ended(collector) == {"confirmed"}
