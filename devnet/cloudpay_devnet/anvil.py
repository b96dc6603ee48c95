"""One anvil process: a real Ethereum node with an instant start and a chain that obeys."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cloudpay_devnet.binary import find_anvil
from cloudpay_devnet.control import ChainControl
from cloudpay_devnet.mining import BlockTimer
from cloudpay_devnet.process import NodeProcess, RunningNode
from cloudpay_devnet.rpc import JsonRpc

__all__ = ["AnvilNode", "AnvilOptions", "find_anvil"]

_KEPT_STATES = 128  # as many as a full node of a real chain keeps; each is a copy of all there is
_SAVE_EVERY_SECONDS = 30
# EIP-2935 writes a slot of this contract in every block. As anvil copies the whole state for every block,
# that makes it sixty times slower within hours. Without the contract's code nothing is written.
_HISTORY_CONTRACT = "0x0000F90827F1C53a10cb7A02335B175320002935"


@dataclass(frozen=True)
class AnvilOptions:
    """How a node runs.

    `block_time` is in seconds; None mines a block for each transaction. `finalized` is 2 * `slots_in_epoch`
    blocks behind the head. With a `state_path` the chain is loaded from that file when it exists, and saved
    there every 30 s and when the node stops. With a block time or a `state_path`, balances can be asked for
    the last 128 blocks, else for every block.
    """

    chain_id: int = 31337
    block_time: float | None = None
    slots_in_epoch: int = 3
    port: int = 0
    state_path: Path | None = None
    mnemonic: str | None = None
    native_per_account: int = 1_000_000

    def arguments(self, port: int, cache_dir: Path) -> list[str]:
        """The command line, without the program."""
        arguments = ["--host", "127.0.0.1", "--port", str(port), "--chain-id", str(self.chain_id)]
        arguments += [
            "--slots-in-an-epoch",
            str(self.slots_in_epoch),
            "--balance",
            str(self.native_per_account),
        ]
        arguments += ["--cache-path", str(cache_dir), "--color", "never"]
        if self.block_time is not None or self.state_path is not None:
            arguments += ["--prune-history", str(_KEPT_STATES)]
        if self.mnemonic is not None:
            arguments += ["--mnemonic", self.mnemonic]
        if self.state_path is not None:
            arguments += ["--state", str(self.state_path), "--state-interval", str(_SAVE_EVERY_SECONDS)]
            arguments += ["--preserve-historical-states"]
        return arguments


class AnvilNode(ChainControl, RunningNode):
    """A running node. It dies with the process that started it, also after `kill -9`.

    Use it as a context manager, or call `stop()`.
    """

    def __init__(self, options: AnvilOptions) -> None:
        self.options = options
        self.automine = options.block_time is None
        self._port = options.port
        self._block_timer: BlockTimer | None = None
        self._launch()

    @classmethod
    def start(
        cls,
        chain_id: int = 31337,
        *,
        block_time: float | None = None,
        slots_in_epoch: int = 3,
        port: int = 0,
        state_path: Path | None = None,
        mnemonic: str | None = None,
    ) -> Self:
        """Start a node and wait until it answers; raises AnvilNotFound or NodeDidNotStart."""
        return cls(AnvilOptions(chain_id, block_time, slots_in_epoch, port, state_path, mnemonic))

    def _launch(self) -> None:
        program = find_anvil()
        if self.options.state_path is not None:
            self.options.state_path.parent.mkdir(parents=True, exist_ok=True)
        self._process = NodeProcess(
            "anvil", lambda folder: [str(program), *self.options.arguments(self._port, folder / "cache")]
        )
        self._port = self._process.port
        self.rpc_url = f"http://127.0.0.1:{self._port}"
        self.ws_url = f"ws://127.0.0.1:{self._port}"
        self.rpc = JsonRpc(self.rpc_url)
        # Or the log would grow by a line for every call.
        self.rpc.call("anvil_setLoggingEnabled", False)
        self.rpc.call("anvil_setCode", _HISTORY_CONTRACT, "0x")
        if self.options.block_time is not None:
            self._block_timer = BlockTimer(self.rpc_url, self.options.block_time, lambda: self.alive)

    def _let_go(self) -> None:
        if self._block_timer is not None:
            self._block_timer.stop()
        self.rpc.close()
