"""The route of a merchant's own wallet."""

from typing import Any

from cloudpay.chains.gateway import current
from cloudpay.kernel.http import Blueprint
from cloudpay.kernel.money import format_amount
from cloudpay.merchants.auth import principal, requires
from cloudpay.wallets.balance import master_balance
from cloudpay.wallets.schemas import BalanceQuery, BalanceSchema

blueprint = Blueprint(
    "wallets", __name__, url_prefix="/api/user", description="The merchant's master wallet."
)


@blueprint.route("/balance", methods=["GET"])
@requires("read")
@blueprint.arguments(BalanceQuery, location="query")
@blueprint.response(200, BalanceSchema)
def get_balance(query: dict[str, Any]) -> dict[str, Any]:
    """Get the balance of the master wallet

    It is asked of the chain now; what payouts may use of it, and what is promised to them, is beside it.
    """
    found = master_balance(current(), principal(), query["network"], query["token_address"])
    asset = found.asset
    amounts = {
        "balance": found.balance,
        "available": found.available,
        "reserved": found.reserved,
        "unswept": found.unswept,
    }
    return {
        "network": asset.network,
        "address": found.address,
        "currency": asset.symbol,
        "token_address": asset.contract,
        "decimals": asset.decimals,
        "block_height": found.block_height,
        **{name: format_amount(units, asset.decimals) for name, units in amounts.items()},
    }
