"""Why a ledger could not be held against its chain now."""

from typing import ClassVar

from cloudpay.kernel.errors import Unavailable


class NotComparable(Unavailable):
    """The ledger and the chain cannot be compared now: nobody knows whether they agree."""

    code: ClassVar[str] = "not_comparable"

    def __init__(self, network: str, reason: str) -> None:
        super().__init__(
            f"The ledger of {network} could not be held against the chain: {reason} "
            "Look at `cloudpay chains`, and try again."
        )
        self.network, self.reason = network, reason
