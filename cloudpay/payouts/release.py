"""Let payouts go: from here on the engine owns them."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.payouts.views import PayoutView
from cloudpay.transactions.service import request_spends
from cloudpay.transactions.types import SpendKind, SpendRequest
from cloudpay.wallets.errors import WalletMissing
from cloudpay.wallets.masters import MasterWallet, find_master


def release(session: Session, gateway: Gateway, payouts: Sequence[PayoutView]) -> None:
    """Ask the engine to send these, in the caller's transaction; a payout's spend has its id."""
    sources: dict[str, MasterWallet] = {}
    for each in payouts:
        if each.network not in sources:
            found = find_master(session, gateway.chains.network(each.network), each.merchant_id)
            if found is None:
                raise WalletMissing
            sources[each.network] = found
    request_spends(session, gateway, [_request(each, sources[each.network]) for each in payouts])


def _request(payout: PayoutView, source: MasterWallet) -> SpendRequest:
    return SpendRequest(
        id=payout.id,
        kind=SpendKind.PAYOUT,
        merchant_id=payout.merchant_id,
        livemode=payout.livemode,
        network=payout.network,
        source=source.address,
        path=source.path,
        recipient=payout.address,
        asset=payout.asset,
        amount=payout.amount,
        tier=payout.tier,
        fee_reserved=payout.fee_reserved,
    )
