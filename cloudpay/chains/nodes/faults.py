"""What goes wrong with one node of several; the next one is asked."""

from typing import ClassVar

from cloudpay.kernel.errors import CloudPayError, Unavailable
from cloudpay.kernel.text import shown


class NodeFault(Unavailable):
    """One node did not answer usefully; the next one is asked. `retry_after` is what it asked for, in seconds."""

    code: ClassVar[str] = "node_fault"

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        reason = shown(reason)
        super().__init__(f"The node did not answer usefully: {reason}. Another one is asked.")
        self.reason, self.retry_after = reason, retry_after


class AskedTooOften(NodeFault):
    """The node limits how often it is asked: that is no matter of how much is asked at once."""


class RequestTooLarge(NodeFault):
    """The node, or what stands before it, takes no request of this size."""


class NodeRefusal(CloudPayError):
    """A node answered one call with an error of its own; what plugins raise for it derives from this."""

    code: ClassVar[str] = "call_refused"

    def __init__(self, sentence: str, reason: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class BlockVanished(NodeFault):
    """A block was replaced between two calls: a reorganisation under way, and no fault of the node."""

    code: ClassVar[str] = "block_vanished"

    def __init__(self, height: int) -> None:
        super().__init__(f"block {height} was replaced while it was being read")
