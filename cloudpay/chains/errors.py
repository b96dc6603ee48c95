"""What a chain plugin may raise; each error says what an operator or a merchant can do."""

from typing import ClassVar

from cloudpay.chains.types import BlockRef
from cloudpay.kernel.errors import CloudPayError, ConfigurationError, InvalidRequest, Unavailable


class InvalidAddress(InvalidRequest):
    """A text is not an address of this network."""

    code: ClassVar[str] = "invalid_address"

    def __init__(self, text: str, network: str, reason: str) -> None:
        super().__init__(
            f"{text[:100]!r} is not an address on {network}: {reason}.", errors={"address": [f"{reason}."]}
        )
        self.text, self.network, self.reason = text, network, reason


class UnknownNetwork(InvalidRequest):
    """A network was named that this gateway does not serve."""

    code: ClassVar[str] = "unknown_network"

    def __init__(self, network: str, known: list[str]) -> None:
        choice = ", ".join(known) or "(none is configured)"
        sentence = f"There is no network {network[:40]!r} here; choose one of: {choice}."
        super().__init__(sentence, errors={"network": [sentence]})
        self.network = network


class UnknownAsset(InvalidRequest):
    """A currency was named that is not listed on the network."""

    code: ClassVar[str] = "unknown_currency"

    def __init__(self, symbol: str, network: str, known: list[str]) -> None:
        sentence = f"{symbol[:40]!r} is not listed on {network}; choose one of: {', '.join(known)}."
        super().__init__(sentence, errors={"currency": [sentence]})
        self.symbol, self.network = symbol, network


class NetworkCannotSend(InvalidRequest):
    """Money should go out on a network whose plugin only reads."""

    code: ClassVar[str] = "network_cannot_send"

    def __init__(self, network: str) -> None:
        sentence = f"{network} only takes money in: its plugin cannot send. Choose another network."
        super().__init__(sentence, errors={"network": [sentence]})
        self.network = network


class Unlinked(CloudPayError):
    """The block that a scan should go on from is not on the node's chain: a reorganisation; the core steps back."""

    code: ClassVar[str] = "unlinked"

    def __init__(self, after: BlockRef) -> None:
        super().__init__(f"Block {after.height} ({after.hash}) is no longer on the chain.")
        self.after = after


class NodeUnavailable(Unavailable):
    """No node answered usefully: unreachable, limited, stale or cut off. Nothing is known; ask again later."""

    code: ClassVar[str] = "node_unavailable"

    def __init__(self, network: str, reason: str) -> None:
        super().__init__(f"No node of {network} answers: {reason}. Check rpc_urls of this network, or wait.")
        self.network, self.reason = network, reason


class BlockPassed(NodeUnavailable):
    """The chain went on before a balance was read, and its nodes keep none of earlier blocks; look at the head anew."""

    def __init__(self, network: str, height: int) -> None:
        super().__init__(network, f"the chain has gone on since block {height}")
        self.height = height


class WrongChain(ConfigurationError):
    """A node serves another chain than the one configured; neither scanned nor signed for.

    `key` is the key of the network's table that says which chain is meant, where its family has one.
    """

    code: ClassVar[str] = "wrong_chain"

    def __init__(self, network: str, node: str, expected: str, found: str, *, key: str = "") -> None:
        wrong = f"rpc_urls or {key}" if key else "rpc_urls"
        super().__init__(
            f"The node {node} of {network} is on chain {found}, not {expected}. "
            f"Correct {wrong} of [networks.{network}]."
        )
        self.network, self.node = network, node


class WrongDecimals(ConfigurationError):
    """A listed token has other decimals on the chain than in the configuration."""

    code: ClassVar[str] = "wrong_decimals"

    def __init__(self, network: str, symbol: str, expected: int, found: int) -> None:
        super().__init__(
            f"{symbol} on {network} has {found} decimals on the chain, but {expected} in the configuration. "
            f"Correct [networks.{network}.assets.{symbol}]: amounts would be wrong by powers of ten."
        )
        self.network, self.symbol = network, symbol


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
    """The settings of a network cannot be used as they are."""

    code: ClassVar[str] = "unusable_network"

    def __init__(self, network: str, what: str) -> None:
        super().__init__(f"[networks.{network}] cannot be used: {what}.")
        self.network = network
