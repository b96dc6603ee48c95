"""Watch loops in threads of their own, as a worker runs them, and conditions to wait for."""

import threading
import time
from collections.abc import Callable

from sqlalchemy import select

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.errors import ConfigurationError
from cloudpay.kernel.leases import LeaseRow
from cloudpay.payments.loop import WatchLoop
from cloudpay.payments.networks import network_views
from cloudpay.payments.views import NetworkView

LIMIT = 20.0  # seconds that a test waits for what must come


def eventually(condition: Callable[[], object], what: str) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + LIMIT
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"it never came that {what}"
        pause.wait(0.01)


def view(gateway: Gateway, code: str = "evm") -> NetworkView:
    """Answer how a network is doing."""
    [found] = [each for each in network_views(gateway) if each.code == code]
    return found


def holder(gateway: Gateway, code: str = "evm") -> tuple[str, int] | None:
    """Answer who has the network's lease, with the token; None when nobody has."""
    with gateway.db.read() as session:
        row = session.scalar(select(LeaseRow).where(LeaseRow.name == f"watch:{code}"))
        return None if row is None or row.until < gateway.clock.now(session) else (row.holder, row.token)


class Impatient(threading.Event):
    """A wake that keeps how long the loop meant to wait, and lets it wait for a moment only."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Note the time and wait a little."""
        assert timeout is not None, "a loop must not wait for ever"
        self.asked.append(timeout)
        return super().wait(min(timeout, 0.01))


class Running:
    """One loop of one process."""

    def __init__(self, gateway: Gateway, wake: threading.Event) -> None:
        self.loop = WatchLoop(gateway, gateway.chains.network("evm"))
        self.stop, self.wake = threading.Event(), wake
        self.stood_by = threading.Event()
        """Set when the lease was another's."""
        self._failure: ConfigurationError | None = None
        self._listen()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    @property
    def name(self) -> str:
        """The name under which it holds the lease."""
        return self.loop._keeper._holder

    def end(self) -> None:
        """Stop it as a worker does, and wait until it has."""
        self.stop.set()
        self.wake.set()
        self.thread.join(LIMIT)
        assert not self.thread.is_alive(), "the loop did not end"

    def failure(self) -> ConfigurationError | None:
        """Wait until it has ended by itself; answer with what."""
        self.thread.join(LIMIT)
        assert not self.thread.is_alive(), "the loop goes on"
        return self._failure

    def _run(self) -> None:
        try:
            self.loop.run(self.stop, self.wake)
        except ConfigurationError as error:
            self._failure = error

    def _listen(self) -> None:
        """Hear when the loop is refused the lease."""
        keeper = self.loop._keeper
        hold = keeper.hold

        def heard() -> object:
            lease = hold()
            if lease is None:
                self.stood_by.set()
            return lease

        keeper.hold = heard  # type: ignore[method-assign, assignment]  # the loop asks this very keeper
