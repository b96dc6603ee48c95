"""What lies in a master wallet above its ceiling goes on to the cold address, where one is set."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from cloudpay.alerts.service import Alert, keep_alerts
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.spending import FeeTier
from cloudpay.kernel.errors import ConfigurationError, Unavailable
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.log import get_logger
from cloudpay.ledger.outgoing import available
from cloudpay.ledger.types import InsufficientFunds
from cloudpay.sweeps.planner import plan_cold
from cloudpay.sweeps.service import require_sendable
from cloudpay.sweeps.terms import terms_now
from cloudpay.sweeps.types import NATIVE, ColdSpend, Surplus, Terms
from cloudpay.transactions.bookings import book_requests
from cloudpay.transactions.errors import QuotesMissing
from cloudpay.transactions.holdings import last_cold
from cloudpay.transactions.service import request_spends, want_quotes
from cloudpay.transactions.types import SpendKind, SpendRequest
from cloudpay.wallets.gas import Wallet
from cloudpay.wallets.masters import MasterWallet, all_masters
from cloudpay.wallets.service import ours

TIER = FeeTier.LOW
"""Nobody waits for it."""

_log = get_logger(__name__)


class ColdAddressIsOurs(ConfigurationError):
    """The cold address belongs to this gateway: what is sent there would be as warm as before."""

    code = "cold_address_is_ours"

    def __init__(self, network: str) -> None:
        super().__init__(
            f"[networks.{network}] cold_address is an address of this gateway itself. "
            "Name a wallet whose key it does not have."
        )


def collect_surplus(gateway: Gateway) -> None:
    """Send on what is above the ceilings, on every network that collects by itself and has a cold address."""
    if not gateway.settings.sweeps.enabled:
        return
    for network in gateway.chains:
        if network.sends and network.settings.sweep and network.cold_address is not None:
            wrong = list[Alert]()
            try:
                _collect(gateway, network)
            except ColdAddressIsOurs as error:  # the other networks have theirs
                _log.error("cold_address_is_ours", network=network.code)
                wrong = [Alert(AlertKind.COLD_ADDRESS_OURS, network.code, error.message)]
            gateway.db.run(partial(_tell, gateway=gateway, network=network, wanted=wrong))


def require_foreign(session: Session, network: Network) -> None:
    """Raise `ColdAddressIsOurs` where what is sent on would come back to an address of this gateway."""
    if network.cold_address and ours(session, network.key_family.name, [network.cold_address]):
        raise ColdAddressIsOurs(network.code)


def surplus_of(
    session: Session, network: Network, master: MasterWallet, terms: Terms, *, at_once: bool = False
) -> list[ColdSpend]:
    """Answer what of one master wallet goes on now; of each asset one transfer is under way at a time."""
    who = (master.merchant_id, master.livemode, network.code)
    sent = last_cold(session, network.code, master.address)
    surpluses = [
        Surplus(asset.key, available(session, *who, asset.key), asset.cold_above)
        for asset in network.assets
        if asset.cold_above is not None and _is_time(sent.get(asset.key), terms, at_once=at_once)
    ]
    return plan_cold(surpluses, available(session, *who, NATIVE), terms) if surpluses else []


def send_on(
    session: Session,
    gateway: Gateway,
    network: Network,
    master: MasterWallet,
    terms: Terms,
    *,
    at_once: bool = False,
) -> list[SpendRequest]:
    """Reserve and ask for what goes on; nothing where the wallet has less than that by now.

    Raises `ColdAddressIsOurs`.
    """
    address = network.cold_address
    if address is None:
        return []
    require_foreign(session, network)
    spends = surplus_of(session, network, master, terms, at_once=at_once)
    requests = [onward(SpendKind.COLD, "cld_", network, master, address, each) for each in spends]
    if requests:
        try:
            with session.begin_nested():
                book_requests(session, requests, terms.now)
        except InsufficientFunds:  # a payout has taken it meanwhile
            return []
        request_spends(session, gateway, requests)
        passing(Failpoint.COLD_REQUESTED)
        _log.info("surplus_sent_on", network=network.code, count=len(requests))
    return requests


def onward(
    kind: SpendKind, prefix: str, network: Network, wallet: Wallet, recipient: str, spend: ColdSpend
) -> SpendRequest:
    """Answer the request of what goes from a wallet of a merchant to another place, at the lowest tier."""
    return SpendRequest(
        id=new_id(prefix),
        kind=kind,
        merchant_id=wallet.merchant_id,
        livemode=wallet.livemode,
        network=network.code,
        source=wallet.address,
        path=wallet.path,
        recipient=recipient,
        asset=spend.asset,
        amount=spend.amount,
        tier=TIER,
        fee_reserved=spend.fee,
        fee_limit=spend.fee_limit,
    )


def _is_time(last: tuple[datetime, bool] | None, terms: Terms, *, at_once: bool) -> bool:
    if last is None:
        return True
    at, under_way = last
    return not under_way and (at_once or terms.now - at >= max(terms.every, timedelta(seconds=1)))


def _collect(gateway: Gateway, network: Network) -> None:
    with gateway.db.read() as session:
        try:
            require_sendable(session, gateway, network)
            terms = terms_now(session, gateway, network)
        except QuotesMissing:
            terms = None
        except Unavailable as error:
            _log.debug("no_surplus_sent_on", network=network.code, reason=error.message)
            return
        masters = all_masters(session, network.key_family.name)
        due = [each for each in masters if terms and surplus_of(session, network, each, terms)]
    if terms is None:
        gateway.db.run(lambda session: want_quotes(session, gateway, network.code))
    for master in due:
        gateway.db.run(partial(_send_on, gateway=gateway, network=network, master=master))
        passing(Failpoint.COLD_COMMITTED)


def _send_on(session: Session, gateway: Gateway, network: Network, master: MasterWallet) -> None:
    require_sendable(session, gateway, network)
    send_on(session, gateway, network, master, terms_now(session, gateway, network))


def _tell(session: Session, gateway: Gateway, network: Network, wanted: Sequence[Alert]) -> None:
    keep_alerts(session, gateway, network.code, (AlertKind.COLD_ADDRESS_OURS,), wanted)
