"""One TRON node process, with a chain that obeys."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cloudpay_devnet.process import NodeProcess, RunningNode
from cloudpay_devnet.tron.client import TronClient
from cloudpay_devnet.tron.keys import DevKey, dev_keys


@dataclass(frozen=True)
class TronOptions:
    """How a node runs.

    `block_time` is in seconds; None makes a block for each transaction, as `AnvilOptions` has it. With a `data_dir`
    the chain goes on where it stopped, also after a kill.
    """

    block_time: float | None = None
    port: int = 0
    data_dir: Path | None = None


class TronNode(TronClient, RunningNode):
    """A running node. It dies with the process that started it, also after `kill -9`.

    Use it as a context manager, or call `stop()`.
    """

    def __init__(self, options: TronOptions) -> None:
        self.options = options
        self._port = options.port
        self._launch()
        super().__init__(f"http://127.0.0.1:{self._port}")

    @classmethod
    def start(cls, *, block_time: float | None = None, port: int = 0, data_dir: Path | None = None) -> Self:
        """Start a node and wait until it answers; raises NodeDidNotStart."""
        return cls(TronOptions(block_time, port, data_dir))

    def _launch(self) -> None:
        command = [sys.executable, "-m", "cloudpay_devnet.tron", "--port", str(self._port)]
        command += ["--block-time", str(self.options.block_time or 0)]
        if self.options.data_dir is not None:
            command += ["--data-dir", str(self.options.data_dir)]
        self._process = NodeProcess("tron", lambda _: command)
        self._port = self._process.port

    @property
    def accounts(self) -> tuple[DevKey, ...]:
        """The accounts with a million TRX each."""
        return dev_keys()

    def reset(self) -> None:
        """Begin a new chain as at the start, which takes a fraction of a new process."""
        self.control("reset", seconds=self.options.block_time or 0)

    def _let_go(self) -> None:
        self.close()
