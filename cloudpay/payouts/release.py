"""Let payouts go: from here on the engine owns them."""

from collections.abc import Sequence

from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.among import among
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.payouts.models import PayoutRow
from cloudpay.payouts.views import PayoutView
from cloudpay.transactions.service import request_spends_of
from cloudpay.transactions.types import SpendKind
from cloudpay.wallets.errors import WalletMissing
from cloudpay.wallets.masters import find_master

_SAME = ("id", "merchant_id", "livemode", "network", "asset", "amount", "tier", "fee_reserved")
"""What a payout and its spend both have."""


def release(session: Session, gateway: Gateway, payouts: Sequence[PayoutView]) -> None:
    """Ask the engine to send these, whose rows are there, in the caller's transaction; a payout's spend has its id."""
    for network in sorted({each.network for each in payouts}):
        mine = [each for each in payouts if each.network == network]
        source = find_master(session, gateway.chains.network(network), mine[0].merchant_id)
        if source is None:
            raise WalletMissing
        same = [getattr(PayoutRow, name) for name in _SAME]
        of_source = {
            "kind": SpendKind.PAYOUT.value,
            "source": source.address,
            "account": source.path.account,
            "chain": source.path.chain,
            "index": source.path.index,
        }
        told = [literal(value).label(name) for name, value in of_source.items()]
        wanted = select(*same, PayoutRow.address.label("recipient"), *told)
        ids = [each.id for each in mine]
        request_spends_of(session, gateway, wanted.where(among(session, PayoutRow.id, ids)))
    passing(Failpoint.PAYOUT_RELEASED)
