"""Money in a master wallet, and what tests of payouts share."""

from collections.abc import Callable

from werkzeug.test import TestResponse

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.spending import FeeTier
from cloudpay.ledger.outgoing import Funding, post_funding
from cloudpay.testing.clock import START

BULK = "/api/user/payouts/bulk/api"
FEES = {FeeTier.LOW: 10**12, FeeTier.MEDIUM: 2 * 10**12, FeeTier.HIGH: 4 * 10**12}
"""What one transfer costs, in native base units."""

Send = Callable[..., TestResponse]


def fund(gateway: Gateway, merchant_id: str, network: str, symbol: str, amount: int) -> None:
    """Put money into a master wallet, as if it had come from outside."""
    asset = gateway.chains.network(network).asset(symbol)
    came = Funding(network, f"0x{symbol}", f"0x{merchant_id}", asset.key, 0, merchant_id, False, amount)
    gateway.db.run(lambda session: post_funding(session, came, START))
