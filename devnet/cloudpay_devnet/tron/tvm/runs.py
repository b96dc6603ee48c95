"""What all frames of one execution share."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from eth_utils.crypto import keccak

from cloudpay_devnet.tron.state import State
from cloudpay_devnet.tron.tvm.messages import Block, Message
from cloudpay_devnet.tron.tvm.operation import Operation
from cloudpay_devnet.tron.tvm.outcomes import InternalTransaction


@dataclass
class Run:
    """One execution: its surroundings, and what its frames leave behind beside the state."""

    state: State
    message: Message
    block: Block
    operations: Mapping[int, Operation]
    # java-tron counts calls, creations and suicides of one transaction, also those that were undone.
    nonce: int = 0
    penalty: int = 0
    internal: list[InternalTransaction] = field(default_factory=list)
    created: set[bytes] = field(default_factory=set)
    destroyed: set[bytes] = field(default_factory=set)
    # A slot that was cleared counts as written until the transaction's end: java-tron caches rows.
    cleared: set[tuple[bytes, int]] = field(default_factory=set)
    transient: dict[tuple[bytes, int], int] = field(default_factory=dict)

    def record(self, parent: bytes, caller: bytes, to: bytes, value: int, data: bytes, note: str) -> bytes:
        """Writes an internal transaction down; answers its hash (java-tron's InternalTransaction.getHash)."""
        self.nonce += 1
        raw = parent + b"\x41" + to + data + value.to_bytes(8, "big") + self.nonce.to_bytes(8, "big")
        digest = keccak(raw)
        self.internal.append(InternalTransaction(digest, caller, to, value, note, rejected=False))
        return digest

    def reject(self, since: int) -> None:
        """Marks the internal transactions from this place on as undone."""
        self.internal[since:] = [replace(entry, rejected=True) for entry in self.internal[since:]]


@dataclass(frozen=True)
class Checkpoint:
    """A moment of a run to go back to."""

    token: int
    transient: dict[tuple[bytes, int], int]
    destroyed: frozenset[bytes]

    @classmethod
    def of(cls, run: Run) -> "Checkpoint":
        """Takes it."""
        return cls(run.state.snapshot(), dict(run.transient), frozenset(run.destroyed))

    def settle(self, run: Run, *, undone: bool) -> None:
        """Goes back to it, or lets it go."""
        if undone:
            run.state.rollback(self.token)
            run.transient = self.transient
            run.destroyed = set(self.destroyed)
        else:
            run.state.commit(self.token)
