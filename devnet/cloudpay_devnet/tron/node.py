"""One TRON node process, with a chain that obeys."""

import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from cloudpay_devnet.errors import NodeUnreachable, RpcFailed
from cloudpay_devnet.process import NodeProcess
from cloudpay_devnet.tron.keys import DevKey, dev_keys

_CALL_SECONDS = 60.0


@dataclass(frozen=True)
class TronOptions:
    """How a node runs.

    `block_time` is in seconds; None makes a block for each transaction, as `AnvilOptions` has it. With a `data_dir`
    the chain goes on where it stopped, also after a kill.
    """

    block_time: float | None = None
    port: int = 0
    data_dir: Path | None = None


class TronNode:
    """A running node. It dies with the process that started it, also after `kill -9`.

    Use it as a context manager, or call `stop()`.
    """

    def __init__(self, options: TronOptions) -> None:
        self.options = options
        self._port = options.port
        self._launch()

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
        self.url = f"http://127.0.0.1:{self._port}"
        self._session = requests.Session()

    @property
    def accounts(self) -> tuple[DevKey, ...]:
        """The accounts with a million TRX each."""
        return dev_keys()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """True while the process runs."""
        return self._process.alive

    def call(self, route: str, **given: Any) -> Any:
        """What a route such as `wallet/getnowblock` answers; raises NodeUnreachable."""
        try:
            answer = self._session.post(f"{self.url}/{route}", json=given, timeout=_CALL_SECONDS)
        except requests.RequestException as error:
            raise NodeUnreachable(self.url, str(error)) from error
        return answer.json()

    def control(self, command: str, **given: Any) -> dict[str, Any]:
        """Carry out a command of `/control/`; raises RpcFailed."""
        try:
            answer = self._session.post(f"{self.url}/control/{command}", json=given, timeout=_CALL_SECONDS)
        except requests.RequestException as error:
            raise NodeUnreachable(self.url, str(error)) from error
        content: dict[str, Any] = answer.json()
        if answer.status_code != requests.codes.ok:
            raise RpcFailed(command, answer.status_code, str(content.get("error")))
        return content

    def mine(self, blocks: int = 1, *, empty: bool = False) -> int:
        """Make blocks; return the head's number."""
        return int(self.control("mine", blocks=blocks, empty=empty)["number"])

    def set_block_time(self, seconds: float | None) -> None:
        """Make a block every so many seconds; 0 makes one for each transaction, None on demand alone."""
        self.control("mining", seconds=seconds)

    def reset(self) -> None:
        """Begin a new chain as at the start, which takes a fraction of a new process."""
        self.control("reset", seconds=self.options.block_time or 0)

    def fork(self, depth: int, *, lose: bool = False) -> list[str]:
        """Replace the last blocks by longer, empty ones; return the ids of what was in them.

        They wait again for a block, or are lost.
        """
        return list(self.control("fork", depth=depth, lose=lose)["dropped"])

    def fault(self, kind: str, path: str = "*", times: int | None = None, **values: Any) -> None:
        """Switch a fault on; `faults.KINDS` lists them."""
        self.control("fault", kind=kind, path=path, times=times, **values)

    def heal(self) -> None:
        """Switch all faults off."""
        self.control("heal")

    def fund(self, address: str, sun: int) -> None:
        """Give an address TRX out of nothing."""
        self.control("fund", address=address, sun=sun)

    def pass_time(self, seconds: float, *, empty: bool = False) -> None:
        """Move the chain's clock and make a block; what waits gets into it unless it is to be empty."""
        self.control("time", seconds=seconds, empty=empty)

    def stop(self) -> None:
        """End the node in order. May be called twice."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the node as a crash would; with a `data_dir` nothing is lost by it."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        self._session.close()
        self._process.end(how)

    def restart(self) -> None:
        """Stop the node and start it again on the same port; without a `data_dir` its chain begins anew."""
        self.stop()
        self._launch()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
