"""Nodes with a desk to send from."""

from collections.abc import Callable

import pytest

from cloudpay_devnet.tron.desk import Desk
from cloudpay_devnet.tron.keys import DevKey, dev_keys
from cloudpay_devnet.tron.node import TronNode


@pytest.fixture
def desk(shared_tron: TronNode) -> Desk:
    return Desk(shared_tron)


@pytest.fixture
def fresh_desk(tron: TronNode) -> Desk:
    return Desk(tron)


@pytest.fixture
def payer() -> DevKey:
    return dev_keys()[0]


@pytest.fixture
def new_key(desk: Desk) -> Callable[[], DevKey]:
    """Keys of addresses that are not activated."""
    return lambda: desk.account(0)
