"""A node as a child process: it says where it listens, and dies with the process that started it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

from cloudpay_devnet import guard
from cloudpay_devnet.errors import NodeDidNotStart, NotInTime
from cloudpay_devnet.stopping import Stopping
from cloudpay_devnet.waiting import wait_for

_LISTENING = re.compile(r"Listening on 127\.0\.0\.1:(\d+)")
_START_SECONDS = 30.0
_STOP_SECONDS = 20.0


class NodeProcess:
    """A running program with a folder of its own, which goes when the program ends."""

    def __init__(self, name: str, command: Callable[[Path], Sequence[str]]) -> None:
        """Start `command(folder)` and wait until it listens; raises NodeDidNotStart."""
        self.name = name
        self.folder = Path(tempfile.mkdtemp(prefix=f"cloudpay-{name}-"))
        self._log = self.folder / f"{name}.log"
        guarded = [sys.executable, "-I", "-S", guard.__file__, str(os.getpid()), str(self.folder)]
        with self._log.open("wb") as log:
            # A session of its own: Ctrl-C in a terminal reaches the node's owner only, which then stops it.
            self._process = subprocess.Popen(
                [*guarded, *command(self.folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.port = self._wait_until_listening()

    def _wait_until_listening(self) -> int:
        def look() -> int | None:
            ended = self._process.poll() is not None
            match = _LISTENING.search(self._log.read_text(errors="replace"))
            if ended:
                reason = f"it ended with code {self._process.returncode}"
                raise NodeDidNotStart(reason, self._give_up(), self.name)
            return int(match[1]) if match else None

        try:
            return wait_for(f"the start of {self.name}", look, _START_SECONDS, every=0.005)
        except NotInTime as late:
            raise NodeDidNotStart(late.message, self._give_up(), self.name) from late

    def _give_up(self) -> str:
        tail = " ".join(self._log.read_text(errors="replace").split()[-60:])
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self.folder)
        return tail

    @property
    def pid(self) -> int:
        """The process id of the program itself."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """True while the process runs."""
        return self._process.poll() is None

    def end(self, how: signal.Signals) -> None:
        """End the program with a signal, and wait for it. May be called twice."""
        self._process.send_signal(how)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class RunningNode(Stopping):
    """A node that runs as such a process, and may be ended and started again."""

    _process: NodeProcess

    @abstractmethod
    def _launch(self) -> None:
        """Start the process, on the port that it had before."""

    @abstractmethod
    def _let_go(self) -> None:
        """Close what speaks to the process, which is about to end."""

    @property
    def pid(self) -> int:
        """The process id of the node itself."""
        return self._process.pid

    @property
    def folder(self) -> Path:
        """Its own folder, which goes when it ends."""
        return self._process.folder

    @property
    def alive(self) -> bool:
        """True while the process runs."""
        return self._process.alive

    def stop(self) -> None:
        """End the node in order: where its chain is kept it is saved first. May be called twice."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the node as a crash would: what was not saved yet is lost."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop the node and start it again on the same port; a chain that is kept nowhere begins anew."""
        self.stop()
        self._launch()

    def _end(self, how: signal.Signals) -> None:
        self._let_go()
        self._process.end(how)
