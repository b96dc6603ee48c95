"""Collecting by itself: what was paid is noted, and collected when it is time and the network may be trusted."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.alerts.service import clear_alert
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.spending import FeeTier, KeyPath
from cloudpay.kernel.errors import Unavailable
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.log import get_logger
from cloudpay.payments.holdings import FinalPayment
from cloudpay.payments.networks import require_open
from cloudpay.sweeps.collecting import collect_from
from cloudpay.sweeps.models import UnsweptRow
from cloudpay.sweeps.rows import Place, wait
from cloudpay.sweeps.states import Standing
from cloudpay.sweeps.terms import terms_now
from cloudpay.sweeps.types import Terms
from cloudpay.transactions.service import quotes_wanted_since, quotes_younger_than, want_quotes
from cloudpay.transactions.station import SendingFrozen
from cloudpay.wallets.service import deposit
from cloudpay.wallets.switch import why_frozen

AT_ONCE = 200
"""Addresses that are planned for in one transaction."""

QUOTES_KEPT = timedelta(seconds=60)
"""What sending cost so long ago is still believed."""

_log = get_logger(__name__)


def note_payment(gateway: Gateway, payment: FinalPayment, tier: FeeTier) -> None:
    """Have what a final payment brought looked at: whether it goes now, later, or is not worth its fee."""
    gateway.db.run(partial(_note, gateway=gateway, payment=payment, tier=tier))


def collect(gateway: Gateway) -> None:
    """Collect what is due on every network that collects by itself."""
    if not gateway.settings.sweeps.enabled:
        return
    for network in gateway.chains:
        if network.sends and network.settings.sweep:
            _collect(gateway, network)


def require_sendable(session: Session, gateway: Gateway, network: Network) -> None:
    """Raise unless something may be sent on a network now: `NetworkClosed`, `SendingFrozen`."""
    frozen = why_frozen(session, gateway.settings, network.code)
    if frozen is not None:
        raise SendingFrozen(frozen)
    require_open(session, gateway, network)


def _note(session: Session, gateway: Gateway, payment: FinalPayment, tier: FeeTier) -> None:
    owner = deposit(session, payment.deposit_address_id)
    place = Place(
        payment.network,
        payment.address,
        payment.asset,
        owner.merchant_id,
        owner.livemode,
        KeyPath(owner.account, owner.chain, owner.index),
        tier,
    )
    clear_alert(session, gateway, AlertKind.DEPOSIT_DIFFERS, f"{payment.network}/{payment.address}")
    wait(session, place, gateway.clock.now(session))
    passing(Failpoint.SWEEP_NOTED)


def _collect(gateway: Gateway, network: Network) -> None:
    """Take what is due, a bounded number; what is left is due at the next turn."""
    with gateway.db.read() as session:
        addresses = _due(session, gateway, network)
        if not addresses:
            return
        try:
            require_sendable(session, gateway, network)
        except Unavailable as error:
            _log.debug("nothing_collected", network=network.code, reason=error.message)
            return
        now = gateway.clock.now(session)
        fresh = quotes_younger_than(session, network.code, now - QUOTES_KEPT)
        wanted = quotes_wanted_since(session, network.code, now - QUOTES_KEPT)
    if not fresh:
        if not wanted:
            gateway.db.run(lambda session: want_quotes(session, gateway, network.code))
        return
    gateway.db.run(partial(_take, gateway=gateway, network=network, addresses=addresses))
    passing(Failpoint.SWEEP_COMMITTED)


def _due(session: Session, gateway: Gateway, network: Network) -> Sequence[str]:
    row, now = UnsweptRow, gateway.clock.now(session)
    due = select(row.address).where(row.network == network.code, row.due_at <= now)
    return list(dict.fromkeys(session.scalars(due.order_by(row.due_at, row.address).limit(AT_ONCE))))


def _take(session: Session, gateway: Gateway, network: Network, addresses: Sequence[str]) -> None:
    require_sendable(session, gateway, network)
    terms = terms_now(session, gateway, network)
    more = _of_full(session, network, terms)
    collect_from(session, gateway, network, list(dict.fromkeys([*addresses, *more])), terms)


def _of_full(session: Session, network: Network, terms: Terms) -> Sequence[str]:
    """Answer where money of merchants waits whose deposit addresses hold much together: it waits no longer."""
    if not terms.full:
        return []
    row = UnsweptRow
    waits = select(row.address).where(
        row.merchant_id.in_(terms.full), row.network == network.code, row.standing == Standing.LATER.value
    )
    return session.scalars(waits.order_by(row.since, row.address).limit(AT_ONCE)).all()
