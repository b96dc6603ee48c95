"""A block every so many seconds, without the memory that anvil's own short block time costs."""

import threading
from collections.abc import Callable

from cloudpay_devnet.errors import NodeUnreachable
from cloudpay_devnet.rpc import JsonRpc

# Told to mine every two seconds or more often, anvil keeps 1,500 past states in memory, whatever limit it
# is given: 800 MB after an hour. So it is told to mine once a year, and blocks are asked for from here.
# Whoever changes that by the node's own methods (evm_setIntervalMining, evm_setAutomine) is obeyed: unless
# the year is set, nothing is mined from here.
INTERVAL_OF_OURS = 365 * 86_400


class BlockTimer:
    """Mines a block every `seconds`, on a thread of its own, until it is stopped or the node has ended."""

    def __init__(self, url: str, seconds: float, node_is_alive: Callable[[], bool]) -> None:
        self._rpc = JsonRpc(url)
        self._seconds = seconds
        self._node_is_alive = node_is_alive
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="devnet-block-timer", daemon=True)
        self._rpc.call("evm_setIntervalMining", INTERVAL_OF_OURS)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            try:
                if self._rpc.call("anvil_getIntervalMining") == INTERVAL_OF_OURS:
                    self._rpc.call("evm_mine")
            except NodeUnreachable:
                if not self._node_is_alive():
                    return

    def stop(self) -> None:
        """Mine no more; returns when the last block is through."""
        self._stopped.set()
        self._thread.join()
        self._rpc.close()
