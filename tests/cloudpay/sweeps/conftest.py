"""Shops whose deposit addresses are collected."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from cloudpay.kernel import failpoints
from cloudpay.kernel.sections import Sweeps
from cloudpay.testing import FixedClock
from tests.cloudpay.shop import Shop, bring_to_rest
from tests.cloudpay.sweeps.collector import Collector
from tests.cloudpay.transactions.desk import write_seal_key


@pytest.fixture
def open_collector(
    open_shop_with: Callable[..., Shop], clock: FixedClock
) -> Iterator[Callable[..., Collector]]:
    """Open a shop on `evm` that collects after a second; `sweeps` changes when, other keywords its network."""
    opened: list[Collector] = []

    def build(*, sweeps: dict[str, Any] | None = None, **changes: Any) -> Collector:
        shop = open_shop_with("evm", **changes)
        settings = replace_struct(
            shop.gateway.settings, sweeps=Sweeps(**{"every_seconds": 1, **(sweeps or {})})
        )
        shop.gateway = replace(shop.gateway, settings=settings)
        write_seal_key(shop.gateway)
        collector = Collector(shop, clock)
        collector.fund_master()
        opened.append(collector)
        return collector

    yield build
    failpoints.disarm()
    for each in opened:
        bring_to_rest(each.gateway)


def replace_struct(settings: Any, **changes: Any) -> Any:
    """Answer settings with other tables."""
    import msgspec

    return msgspec.structs.replace(settings, **changes)


@pytest.fixture
def collector(open_collector: Callable[..., Collector]) -> Collector:
    """A shop that collects a second after a payment is final, with native coins in its master wallet."""
    return open_collector()
