"""What the engine may raise towards those who ask it."""

from typing import ClassVar

from cloudpay.kernel.errors import CloudPayError, Unavailable


class Overtaken(CloudPayError):
    """The chain has more of an address of ours than this gateway knows to have signed."""

    code: ClassVar[str] = "overtaken"

    def __init__(self, network: str, source: str) -> None:
        super().__init__(
            f"The chain {network} has more transactions of {source} than this database knows: an old backup was put "
            "back, or somebody else has the key. What it takes for unpaid may be paid. Compare it with the chain, then "
            "run `cloudpay thaw --reconciled`."
        )
        self.network, self.source = network, source


class QuotesMissing(Unavailable):
    """Nobody has asked the chain lately what sending costs."""

    code: ClassVar[str] = "fee_quotes_missing"

    def __init__(self, network: str) -> None:
        super().__init__(
            f"What sending on {network} costs is not known at the moment. Try again in a few seconds; when it lasts, "
            "see that `cloudpay worker send` runs and that `cloudpay chains` shows the network active."
        )
        self.network = network
