"""Master wallets while they are watched: every merchant has one before anything is read."""

from datetime import datetime, timedelta

from cloudpay.chains.gateway import Gateway
from cloudpay.wallets.masters import make_masters

_MAKE_EVERY = timedelta(minutes=1)


class MasterMaker:
    """Makes the master wallets that are missing, now and then."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._make_at: datetime | None = None

    def make(self, began: datetime) -> None:
        """Make what is missing, if it is time; before anything is read, so that it is watched at once."""
        if self._make_at is None or began >= self._make_at:
            make_masters(self._gateway)
            self._make_at = began + _MAKE_EVERY
