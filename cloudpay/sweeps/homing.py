"""What lies at a gas station of its own and is not needed there goes home to the master wallet, when somebody asks."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.log import get_logger
from cloudpay.ledger.outgoing import available
from cloudpay.ledger.types import AccountKind, InsufficientFunds
from cloudpay.sweeps.cold import onward
from cloudpay.sweeps.planner import plan_cold
from cloudpay.sweeps.types import NATIVE, ColdSpend, Surplus, Terms
from cloudpay.transactions.bookings import book_requests
from cloudpay.transactions.service import request_spends
from cloudpay.transactions.types import SpendKind, SpendRequest
from cloudpay.wallets.gas import PURSES, GasWallet, gas_station
from cloudpay.wallets.masters import find_master

_log = get_logger(__name__)


def not_needed(session: Session, network: Network, wallet: GasWallet, terms: Terms) -> list[ColdSpend]:
    """Answer what goes home now and is worth its fee: what is no fuel, then the native coins where they fuel nothing.

    Those wait for whatever is under way from there, and for what goes now: without them no fee could be raised.
    """
    native = _free(session, network, wallet, NATIVE)
    tokens = [asset.key for asset in network.assets if asset.key != NATIVE]
    going = plan_cold(
        [Surplus(each, _free(session, network, wallet, each), 0) for each in tokens], native, terms
    )
    if going or _fuels(session, network, wallet) or _is_busy(session, network, wallet):
        return going
    return plan_cold([Surplus(NATIVE, native, 0)], native, terms)


def kept_for_now(session: Session, network: Network, wallet: GasWallet) -> int:
    """Answer how many native base units fuel nothing any more and wait for what is under way from there."""
    if _fuels(session, network, wallet) or not _is_busy(session, network, wallet):
        return 0
    return max(0, _free(session, network, wallet, NATIVE))


def bring_home(
    session: Session, gateway: Gateway, network: Network, wallet: GasWallet, terms: Terms
) -> Sequence[SpendRequest]:
    """Reserve and ask for what goes home; nothing where a top-up has taken some of it meanwhile."""
    master = find_master(session, network, wallet.merchant_id)
    if master is None:  # the watcher makes it within a minute
        return []
    requests = [
        onward(SpendKind.HOME, "hom_", network, wallet, master.address, each)
        for each in not_needed(session, network, wallet, terms)
    ]
    if requests:
        try:
            with session.begin_nested():
                book_requests(session, requests, terms.now)
        except InsufficientFunds:
            return []
        passing(Failpoint.SWEEP_BOOKED)
        request_spends(session, gateway, requests)
        passing(Failpoint.SWEEP_REQUESTED)
        _log.info("gas_brought_home", network=network.code, count=len(requests))
    return requests


def _free(session: Session, network: Network, wallet: GasWallet, asset: str) -> int:
    purse = PURSES[wallet.path.chain]
    return available(session, wallet.merchant_id, wallet.livemode, network.code, asset, purse)


def _fuels(session: Session, network: Network, wallet: GasWallet) -> bool:
    return gas_station(session, network, wallet.merchant_id, wallet.path.account).own


def _is_busy(session: Session, network: Network, wallet: GasWallet) -> bool:
    """Every spend has its fee promised to it until it has ended."""
    promised = AccountKind.GAS_RESERVED
    return available(session, wallet.merchant_id, wallet.livemode, network.code, NATIVE, promised) > 0
