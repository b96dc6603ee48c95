"""What goes wrong with nodes and tables, each with the sentence that helps."""

from typing import ClassVar

from cloudpay.chains.nodes.faults import BlockVanished, NodeFault, NodeRefusal, kept
from cloudpay.kernel.errors import ConfigurationError

__all__ = ["BlockVanished", "CannotTrace", "MissingToken", "NodeFault", "Refused", "UnusableTable"]


class Refused(NodeRefusal):
    """A node answered one call with an error of its own; `data` is what a contract that reverted gave, in hex."""

    def __init__(self, method: str, rpc_code: int, rpc_message: str, data: str = "") -> None:
        rpc_message = kept(rpc_message[:200])
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


class MissingToken(ConfigurationError):
    """A token is listed whose address holds no token on this chain."""

    code: ClassVar[str] = "missing_token"

    def __init__(self, network: str, symbol: str, contract: str) -> None:
        super().__init__(
            f"{symbol} on {network}: there is no token contract at {contract}. "
            f"Correct contract of [networks.{network}.assets.{symbol}], or take the asset out."
        )
        self.network, self.symbol, self.contract = network, symbol, contract


class UnusableTable(ConfigurationError):
    """The settings of an EVM network cannot be used as they are."""

    code: ClassVar[str] = "unusable_network"

    def __init__(self, network: str, what: str) -> None:
        super().__init__(f"[networks.{network}] cannot be used: {what}.")
        self.network = network
