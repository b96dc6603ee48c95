"""What every use case is given: the settings, the database, the clock, the chains, the application key."""

from contextvars import ContextVar
from dataclasses import dataclass

from cloudpay.chains.registry import Chains
from cloudpay.kernel.clock import Clock
from cloudpay.kernel.db import Database
from cloudpay.kernel.secrets import AppKey
from cloudpay.kernel.settings import Settings


@dataclass(frozen=True)
class Gateway:
    """One running gateway, as seen by one process."""

    settings: Settings
    db: Database
    clock: Clock
    chains: Chains
    app_key: AppKey


_current: ContextVar[Gateway] = ContextVar("gateway")


def bind(gateway: Gateway) -> None:
    """Make this the gateway that queue jobs of this process work on: RQ calls a job by its import path alone."""
    _current.set(gateway)


def current() -> Gateway:
    """Answer the gateway that was bound at the start of this worker."""
    return _current.get()
