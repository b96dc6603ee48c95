"""What the engine may raise towards those who ask it."""

from typing import ClassVar

from cloudpay.kernel.errors import Unavailable


class QuotesMissing(Unavailable):
    """Nobody has asked the chain lately what sending costs."""

    code: ClassVar[str] = "fee_quotes_missing"
    retry_seconds: ClassVar[int] = 3

    def __init__(self, network: str) -> None:
        super().__init__(
            f"What sending on {network} costs is not known at the moment. Try again in a few seconds; when it lasts, "
            "see that `cloudpay worker send` runs and that `cloudpay chains` shows the network active."
        )
        self.network = network
