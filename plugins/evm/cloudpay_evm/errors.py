"""What goes wrong with nodes, each with the sentence that helps."""

from typing import ClassVar

from cloudpay.chains.nodes.faults import BlockVanished, NodeFault, NodeRefusal
from cloudpay.kernel.text import shown

__all__ = ["BlockVanished", "CannotTrace", "NodeFault", "Refused", "TraceFault"]


class Refused(NodeRefusal):
    """A node answered one call with an error of its own; `data` is what a contract that reverted gave, in hex."""

    def __init__(self, method: str, rpc_code: int, rpc_message: str, data: str = "") -> None:
        rpc_message = shown(rpc_message[:200])
        super().__init__(
            f"The node refused {method} with {rpc_code}: {rpc_message}.",
            f"it refused {method} ({rpc_code}: {rpc_message})",
        )
        self.method, self.rpc_code, self.rpc_message, self.data = method, rpc_code, rpc_message, data


class TraceFault(NodeFault):
    """A node answers, but does not give the traces of some block."""

    code: ClassVar[str] = "trace_fault"


class CannotTrace(TraceFault):
    """A node does not trace, on a network whose payments inside contracts are found by traces."""

    code: ClassVar[str] = "cannot_trace"

    def __init__(self) -> None:
        super().__init__("it cannot trace, as this network's other nodes do")
