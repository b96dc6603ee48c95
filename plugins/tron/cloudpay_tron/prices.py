"""What the chain asks: for energy, for bytes, for a new account."""

from dataclasses import dataclass

from cloudpay.chains.nodes.faults import NodeFault
from cloudpay_tron import calls
from cloudpay_tron.explaining import Bounds
from cloudpay_tron.node import Node

_NEEDED = (
    "getEnergyFee",
    "getTransactionFee",
    "getCreateAccountFee",
    "getCreateNewAccountFeeInSystemContract",
)


@dataclass(frozen=True)
class Prices:
    """In sun: for a unit of energy, for a byte, for a new account."""

    energy: int
    bandwidth: int
    activation: int

    def within(self, bounds: Bounds) -> bool:
        """Say whether they are what bytes were explained by."""
        asked = (self.energy, self.bandwidth, self.activation)
        return all(
            each <= most
            for each, most in zip(asked, (bounds.energy, bounds.bandwidth, bounds.activation), strict=True)
        )


def prices(node: Node) -> Prices:
    """Ask for them, in one call."""
    told = {each.key: each.value for each in node.ask(calls.PARAMETERS).parameters}
    missing = [each for each in _NEEDED if each not in told]
    if missing or min(told[each] for each in _NEEDED) < 0:
        raise NodeFault(f"it told no {missing[0] if missing else 'price that makes sense'}")
    energy, bandwidth, for_bytes, for_account = (told[each] for each in _NEEDED)
    return Prices(energy, bandwidth, for_bytes + for_account)
