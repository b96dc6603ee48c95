"""What can go wrong with a development chain, each with the sentence that helps."""

from pathlib import Path

from cloudpay.kernel.errors import CloudPayError


class DevnetError(CloudPayError):
    """A development chain cannot do what was asked of it."""

    code = "devnet_error"
    title = "The development chain needs attention"


class AnvilNotFound(DevnetError):
    """No anvil binary is installed where devnet looks."""

    code = "anvil_not_found"

    def __init__(self, looked_at: list[Path]) -> None:
        places = ", ".join(str(place) for place in looked_at)
        super().__init__(
            "anvil, the local Ethereum node, is not installed. Run `make setup`, or set CLOUDPAY_ANVIL to the"
            f" path of an anvil binary. Looked at {places} and in PATH."
        )
        self.looked_at = looked_at


class NodeDidNotStart(DevnetError):
    """The node ended, or stayed silent, before it listened."""

    code = "node_did_not_start"

    def __init__(self, reason: str, log_tail: str, name: str = "anvil") -> None:
        super().__init__(f"{name} did not start: {reason}. Its last words: {log_tail or 'none'}")
        self.reason = reason
        self.log_tail = log_tail


class RpcFailed(DevnetError):
    """The node answered a call with an error."""

    code = "rpc_failed"

    def __init__(self, method: str, rpc_code: int, rpc_message: str) -> None:
        super().__init__(f"{method} failed with {rpc_code}: {rpc_message}")
        self.method = method
        self.rpc_code = rpc_code
        self.rpc_message = rpc_message


class NodeUnreachable(DevnetError):
    """The node did not answer at all."""

    code = "node_unreachable"

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"The development node at {url} does not answer; is it still running? {reason}")
        self.url = url
        self.reason = reason


class NotInTime(DevnetError):
    """A condition did not come true within its limit."""

    code = "not_in_time"

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"{what} did not happen within {seconds:g} s")
        self.what = what
        self.seconds = seconds


class UnknownDevNetwork(DevnetError):
    """Devnet has no network of that name."""

    code = "unknown_dev_network"

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"Devnet has no network {name!r}; it has {', '.join(known)}.")
        self.name = name
        self.known = known


class UnknownDevAsset(DevnetError):
    """A development network has no asset of that symbol."""

    code = "unknown_dev_asset"

    def __init__(self, symbol: str, network: str, known: list[str]) -> None:
        super().__init__(
            f"The development network {network} has no asset {symbol!r}; it has {', '.join(known)}."
        )
        self.symbol = symbol
        self.network = network
        self.known = known
