"""What goes wrong with nodes, each with the sentence that helps."""

from typing import ClassVar

from cloudpay.chains.nodes.faults import NodeRefusal
from cloudpay.kernel.text import shown


class Refused(NodeRefusal):
    """A node answered one call with an error of its own."""

    code: ClassVar[str] = "call_refused"

    def __init__(self, path: str, told: str) -> None:
        told = shown(told[:200])
        super().__init__(f"The node refused {path}: {told}.", f"it refused {path} ({told})")
        self.path, self.told = path, told
