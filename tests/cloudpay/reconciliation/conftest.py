"""A merchant's house on `evm`; a block is final after 3."""

from collections.abc import Callable

import pytest

from cloudpay.testing import FixedClock
from tests.cloudpay.reconciliation.house import House, open_house
from tests.cloudpay.shop import Shop
from tests.cloudpay.transactions.desk import write_seal_key


@pytest.fixture
def open_house_with(open_shop_with: Callable[..., Shop], clock: FixedClock) -> Callable[..., House]:
    """Open one; keywords change the network's settings."""

    def build(**changes: object) -> House:
        shop = open_shop_with("evm", **changes)
        write_seal_key(shop.gateway)
        return open_house(shop, clock)

    return build


@pytest.fixture
def house(open_house_with: Callable[..., House]) -> House:
    """The house with the settings as they are shipped."""
    return open_house_with()
