"""Whether gas stations hold enough for the top-ups to come: an alert says so before tokens wait for them."""

from collections.abc import Iterator, Sequence
from functools import partial

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from cloudpay.alerts.models import AlertRow
from cloudpay.alerts.service import Alert, keep_alerts
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.kernel.money import format_amount
from cloudpay.ledger.outgoing import available
from cloudpay.sweeps.models import UnsweptRow
from cloudpay.sweeps.terms import low_water
from cloudpay.sweeps.types import NATIVE
from cloudpay.transactions.errors import QuotesMissing
from cloudpay.transactions.service import fee_quotes
from cloudpay.wallets.gas import gas_station
from cloudpay.wallets.masters import MasterWallet, all_masters


def look_at_reserves(gateway: Gateway) -> None:
    """Open and clear the alerts of gas stations; writes only where something has changed."""
    for network in gateway.chains:
        if not network.sends:
            continue
        with gateway.db.read() as session:
            wanted = list(_low(session, network))
            have = set(session.scalars(_open_ones(network)))
        if {each.subject for each in wanted} != have:
            gateway.db.run(partial(_tell, gateway=gateway, network=network, wanted=wanted))


def _tell(session: Session, gateway: Gateway, network: Network, wanted: Sequence[Alert]) -> None:
    keep_alerts(session, gateway, network.code, (AlertKind.GAS_LOW,), wanted)


def _low(session: Session, network: Network) -> Iterator[Alert]:
    """A gas station that no token waits for may be as low as it likes."""
    try:
        fees = fee_quotes(session, network.code)
    except QuotesMissing:
        fees = {}
    mark = low_water(network, fees)
    for master in all_masters(session, network.key_family.name):
        station = gas_station(session, network, master.merchant_id, master.path.account)
        free = available(session, master.merchant_id, master.livemode, network.code, NATIVE, station.purse)
        if free < mark and _has_tokens(session, network, master):
            least = format_amount(mark, network.native.decimals)
            name = "gas station" if station.own else "master wallet"
            sentence = (
                f"The {name} {station.address} on {network.code} has less than {least} {network.native.symbol} "
                "left to top up deposit addresses with."
            )
            yield Alert(AlertKind.GAS_LOW, f"{network.code}/{master.merchant_id}", sentence)


def _has_tokens(session: Session, network: Network, master: MasterWallet) -> bool:
    row = UnsweptRow
    waits = exists().where(
        row.merchant_id == master.merchant_id, row.network == network.code, row.asset > NATIVE
    )
    return bool(session.scalar(select(waits)))


def _open_ones(network: Network) -> Select[str]:
    row = AlertRow
    return select(row.subject).where(
        row.cleared_at.is_(None),
        row.kind == AlertKind.GAS_LOW.value,
        row.subject.startswith(f"{network.code}/", autoescape=True),
    )
