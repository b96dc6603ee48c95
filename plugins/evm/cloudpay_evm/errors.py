"""What goes wrong with nodes and tables, each with the sentence that helps."""

from typing import ClassVar

from cloudpay.kernel.errors import CloudPayError, ConfigurationError, Unavailable


def _kept(told: str) -> str:
    """Leave NUL out of what a node told: PostgreSQL keeps no text that has one."""
    return told.replace("\0", "")


class NodeFault(Unavailable):
    """One node did not answer usefully; the next one is asked. `retry_after` is what it asked for, in seconds."""

    code: ClassVar[str] = "node_fault"

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        reason = _kept(reason)
        super().__init__(f"The node did not answer usefully: {reason}. Another one is asked.")
        self.reason, self.retry_after = reason, retry_after


class Refused(CloudPayError):
    """A node answered one call with an error of its own; `data` is what a contract that reverted gave, in hex."""

    code: ClassVar[str] = "call_refused"

    def __init__(self, method: str, rpc_code: int, rpc_message: str, data: str = "") -> None:
        rpc_message = _kept(rpc_message[:200])
        super().__init__(f"The node refused {method} with {rpc_code}: {rpc_message}.")
        self.method, self.rpc_code, self.rpc_message, self.data = method, rpc_code, rpc_message, data

    @property
    def reason(self) -> str:
        """What to tell of the node that refused."""
        return f"it refused {self.method} ({self.rpc_code}: {self.rpc_message})"


class BlockVanished(NodeFault):
    """A block was replaced between two calls: a reorganisation under way, and no fault of the node."""

    code: ClassVar[str] = "block_vanished"

    def __init__(self, height: int) -> None:
        super().__init__(f"block {height} was replaced while it was being read")


class CannotTrace(NodeFault):
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
