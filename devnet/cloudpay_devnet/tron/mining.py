"""Who makes the blocks: the clock, each transaction, or nobody but who asks."""

import threading

from cloudpay_devnet.tron.chain import Chain

_OLDEST_HEAD_MS = 30_000
_PATIENCE = 1.0


class Miner:
    """Makes blocks in a thread of its own.

    `seconds` between blocks; 0 makes one for each transaction, and an empty one when the head grows old, as the
    age of a transaction is measured against the head; None makes none.
    """

    def __init__(self, chain: Chain, seconds: float | None) -> None:
        self.chain = chain
        self._ended = threading.Event()
        self._changed = threading.Event()
        self.set(seconds)
        self._thread = threading.Thread(target=self._run, name="tron-miner", daemon=True)
        self._thread.start()

    def set(self, seconds: float | None) -> None:
        """Change the pace."""
        with self.chain.lock:
            self.seconds = seconds
            self.chain.block_ms = round(seconds * 1000) if seconds else None
        self._changed.set()

    def after_broadcast(self) -> None:
        """Make a block at once when each transaction gets one."""
        if self.seconds == 0:
            self.chain.produce()

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()
        self._changed.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            if self._changed.wait(self._wait_seconds()):
                self._changed.clear()
                continue
            self._tick()

    def _wait_seconds(self) -> float:
        if not self.seconds:
            return _PATIENCE
        period = self.seconds * 1000
        return max(period - self.chain.now() % period, 1.0) / 1000

    def _tick(self) -> None:
        with self.chain.lock:
            old = self.chain.now() - self.chain.head.timestamp
            if self.seconds or (self.seconds == 0 and old > _OLDEST_HEAD_MS):
                self.chain.produce()
