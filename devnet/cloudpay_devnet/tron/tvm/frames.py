"""A frame: one contract's code at work on py-evm's stack, memory and code stream."""

from eth.vm.computation import BaseComputation
from eth.vm.message import Message as FrameMessage
from eth_typing import Address

from cloudpay_devnet.tron.tvm.failures import OutOfEnergy
from cloudpay_devnet.tron.tvm.outcomes import Log, Result
from cloudpay_devnet.tron.tvm.runs import Run

# java-tron's Constant.DYNAMIC_ENERGY_FACTOR_DECIMAL
_FACTOR_ONE = 10_000


class Frame(BaseComputation):
    """py-evm's computation without its prices: the loop charges before each operation, as java-tron's VM.play does."""

    def __init__(self, run: Run, message: FrameMessage, transaction_hash: bytes) -> None:
        super().__init__(None, message, None)  # type: ignore[arg-type] # state and block are the run's
        self.run = run
        self.transaction_hash = transaction_hash  # of the internal transaction that this frame is
        self.context = bytes(message.storage_address)
        self.energy_left: int = message.gas
        self.factor = run.block.energy_factor(self.context)
        self.logs: list[Log] = []
        self.failure: Result | None = None
        self.reverted = False
        self.reason = ""

    @property
    def undone(self) -> bool:
        """Whether what the frame did does not count."""
        return self.reverted or self.failure is not None

    def word(self, depth: int) -> int:
        """A word of the stack that stays there; 0 is the topmost."""
        value = self._stack.values[-1 - depth]  # type: ignore[attr-defined] # reading without popping
        return value if isinstance(value, int) else int.from_bytes(value, "big")

    def stack_size(self) -> int:
        """How many words the stack has."""
        return len(self._stack.values)  # type: ignore[attr-defined] # as above

    def memory_words(self) -> int:
        """How many words of 32 bytes the memory has grown to."""
        return len(self._memory) // 32

    def charge(self, name: str, energy: int) -> None:
        """Takes an operation's energy, with the contract's factor on top."""
        if self.factor:
            penalty = energy * self.factor // _FACTOR_ONE
            energy += penalty
            self.run.penalty += penalty
        if energy > self.energy_left:
            used = self.msg.gas - self.energy_left
            raise OutOfEnergy(
                f"Not enough energy for '{name}' operation executing: curInvokeEnergyLimit[{self.msg.gas}],"
                f" curOpEnergy[{energy}], usedEnergy[{used}]"
            )
        self.energy_left -= energy

    def fail(self, failure: Exception, result: Result) -> None:
        """Ends the frame without a result; only a failed transfer leaves it its energy."""
        self.failure = result
        self.reason = str(failure)
        self._output = b""
        if result is not Result.TRANSFER_FAILED:
            self.energy_left = 0

    def consume_gas(self, amount: int, reason: str) -> None:
        """Nothing: py-evm's own prices do not count here."""

    def get_gas_remaining(self) -> int:
        """What GAS answers."""
        return self.energy_left

    def extend_memory(self, start_position: int, size: int) -> None:
        """Grows the memory, which the loop has charged for."""
        self._memory.extend(start_position, size)

    def add_log_entry(self, account: Address, topics: tuple[int, ...], data: bytes) -> None:
        """Keeps an event until the frame's end is known."""
        words = tuple(topic.to_bytes(32, "big") for topic in topics)
        self.logs.append(Log(bytes(account), words, data))
