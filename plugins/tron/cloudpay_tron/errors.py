"""What goes wrong with nodes and tables, each with the sentence that helps."""

from typing import ClassVar

from cloudpay.chains.nodes.faults import NodeRefusal, kept
from cloudpay.kernel.errors import ConfigurationError


class Refused(NodeRefusal):
    """A node answered one call with an error of its own."""

    code: ClassVar[str] = "call_refused"

    def __init__(self, path: str, told: str) -> None:
        told = kept(told[:200])
        super().__init__(f"The node refused {path}: {told}.", f"it refused {path} ({told})")
        self.path, self.told = path, told


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
    """The settings of a TRON network cannot be used as they are."""

    code: ClassVar[str] = "unusable_network"

    def __init__(self, network: str, what: str) -> None:
        super().__init__(f"[networks.{network}] cannot be used: {what}.")
        self.network = network
