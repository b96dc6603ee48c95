"""A merchant's gas station on a network as an operator sees and sets it."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from cloudpay.alerts.service import clear_alert
from cloudpay.alerts.states import AlertKind
from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.kernel.upsert import insert_if_absent
from cloudpay.ledger.outgoing import available
from cloudpay.ledger.types import AccountKind
from cloudpay.merchants.errors import InvalidField
from cloudpay.merchants.service import MerchantAccount, merchant_account
from cloudpay.wallets.gas import derive_gas_wallet, find_gas_wallet, gas_station, put_gas_wallet
from cloudpay.wallets.models import GasChoiceRow

_NATIVE = ""


@dataclass(frozen=True)
class GasStationView:
    """Which address fuels a merchant's deposit addresses on a network; amounts in native base units, by the books.

    `free` lies there and is promised to nothing. `left_behind` lies at an address of its own that fuels nothing any
    more, which is `left_at`; empty where there is none.
    """

    merchant_id: str
    network: Network
    own: bool
    address: str
    free: int
    left_at: str
    left_behind: int


def gas_station_view(gateway: Gateway, merchant_id: str, code: str) -> GasStationView:
    """Answer a merchant's gas station.

    Raises `UnknownNetwork`, `UnknownMerchant`, `InvalidField` and `AccountsExhausted`.
    """
    network = gateway.chains.network(code)
    with gateway.db.read() as session:
        return _view(session, network, _merchant(session, network, merchant_id))


def set_gas_station(
    gateway: Gateway, merchant_id: str, code: str, *, own: bool, actor: str
) -> GasStationView:
    """Fuel from an address of its own from now on, or from the master wallet. Audited; what is signed already stays.

    Raises what `gas_station_view` raises.
    """
    network = gateway.chains.network(code)

    def work(session: Session) -> GasStationView:
        merchant, now = _merchant(session, network, merchant_id), gateway.clock.now(session)
        before = gas_station(session, network, merchant.id, merchant.index)
        key = {"merchant_id": merchant.id, "network": network.code}
        if own:
            put_gas_wallet(session, derive_gas_wallet(session, network, merchant), now)
            insert_if_absent(session, GasChoiceRow, {**key, "since": now})
        elif (row := session.get(GasChoiceRow, (merchant.id, network.code))) is not None:
            session.delete(row)
        session.flush()
        session.expire_all()
        view = _view(session, network, merchant)
        if view.own != before.own:
            # It names the address of before; where the new one is low, too, the next look says so.
            clear_alert(session, gateway, AlertKind.GAS_LOW, f"{network.code}/{merchant.id}", actor=actor)
            record(
                session,
                actor=actor,
                action="merchant.gas_station_set",
                subject=merchant.id,
                merchant_id=merchant.id,
                livemode=merchant.livemode,
                details={"network": network.code, "own": str(view.own).lower(), "address": view.address},
            )
        return view

    return gateway.db.run(work)


def _merchant(session: Session, network: Network, merchant_id: str) -> MerchantAccount:
    merchant = merchant_account(session, merchant_id)
    if network.live != merchant.livemode:
        kind = "live" if merchant.livemode else "test"
        raise InvalidField("network", f"The merchant is a {kind} one; {network.code} is no {kind} network.")
    return merchant


def _view(session: Session, network: Network, merchant: MerchantAccount) -> GasStationView:
    station = gas_station(session, network, merchant.id, merchant.index)
    who = (merchant.id, merchant.livemode, network.code, _NATIVE)
    idle = None if station.own else find_gas_wallet(session, network, merchant.id)
    return GasStationView(
        merchant.id,
        network,
        station.own,
        station.address,
        available(session, *who, station.purse),
        "" if idle is None else idle.address,
        0 if idle is None else available(session, *who, AccountKind.GAS),
    )
