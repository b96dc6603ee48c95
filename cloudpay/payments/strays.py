"""Money at a deposit address that is no payment, or that cannot be moved: looked for on demand."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.chains.adapter import ChainAdapter, TokenFinder
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Asset, Network
from cloudpay.chains.types import Header, Holding
from cloudpay.payments.blocks import newest_until
from cloudpay.payments.models import PaymentRow
from cloudpay.payments.own import own_income, own_moves
from cloudpay.payments.points import believed
from cloudpay.payments.states import PaymentStatus
from cloudpay.wallets.service import deposits, master_address

UNKNOWN_ASSET = "unknown asset"
UNEXPLAINED = "unexplained"
STUCK = "stuck"
OWN = "own transfer"

_CLOCKS_DIFFER = timedelta(minutes=2)
"""A block may be dated before the invoice that it pays: whole seconds, and a clock of another machine."""


@dataclass(frozen=True)
class Stray:
    """Money that nobody would see otherwise; `amount` is in base units, and `decimals` None where nobody knows."""

    network: str
    kind: str
    contract: str | None
    symbol: str
    decimals: int | None
    amount: int
    sender: str | None
    tx_hash: str | None
    height: int


def strays(gateway: Gateway, code: str, address: str, since: datetime) -> list[Stray]:
    """Look on one network for what came to an address since a moment and is no payment; nothing is credited.

    That is every transfer of a token that is not listed, what lies there of listed assets beyond the payments that are
    known, and what the merchant's own addresses sent; and, credited or not, what cannot be collected from there now.
    Raises `NodeUnavailable`.
    """
    network, adapter = gateway.chains.network(code), gateway.chains.adapter(code)
    head = adapter.head()
    latest = believed(gateway, network, adapter, head.latest, head.final)
    first = _first_block(gateway, network, adapter, latest, since)
    return [
        *_unknown(network, adapter, address, first, latest),
        *_of_listed(gateway, network, adapter, address, latest),
        *_own(gateway, network, address),
    ]


def _first_block(
    gateway: Gateway, network: Network, adapter: ChainAdapter, latest: Header, since: datetime
) -> int:
    earlier = since - _CLOCKS_DIFFER
    with gateway.db.read() as session:
        stored = newest_until(session, network.code, earlier)
    if stored is not None:
        return min(stored.height, latest.height)
    moment = int(earlier.timestamp())
    later = bisect_left(range(latest.height), moment, key=lambda height: adapter.header_at(height).time)
    return max(0, later - 1)


def _unknown(
    network: Network, adapter: ChainAdapter, address: str, first: int, latest: Header
) -> list[Stray]:
    if not isinstance(adapter, TokenFinder):
        return []
    return [
        Stray(
            network=network.code,
            kind=UNKNOWN_ASSET,
            contract=each.contract,
            symbol=each.symbol,
            decimals=each.decimals,
            amount=each.amount,
            sender=each.sender,
            tx_hash=each.tx_id,
            height=each.height,
        )
        for each in adapter.foreign_transfers(address, first, latest.height)
    ]


def _of_listed(
    gateway: Gateway, network: Network, adapter: ChainAdapter, address: str, latest: Header
) -> list[Stray]:
    holdings = {Holding(address, asset.contract): asset for asset in network.assets}
    balances = adapter.balances(holdings, latest.ref)
    with gateway.db.read() as session:
        known = _known(session, network, address, latest)
    surpluses = {each: balances[each] - known.get(each.contract or "", 0) for each in holdings}
    stuck = _stuck(gateway, network, adapter, address, balances)
    found = [
        _lying_there(network, holdings[each], latest, UNEXPLAINED, units)
        for each, units in surpluses.items()
        if units > 0
    ]
    return found + [_lying_there(network, holdings[each], latest, STUCK, balances[each]) for each in stuck]


def _stuck(
    gateway: Gateway, network: Network, adapter: ChainAdapter, address: str, balances: Mapping[Holding, int]
) -> Collection[Holding]:
    """Answer what could not be collected in the master wallet of the address's merchant."""
    with gateway.db.read() as session:
        deposit = deposits(session, network.key_family.name, [address]).get(address)
    if deposit is None or not isinstance(adapter, TokenFinder):
        return ()
    return adapter.stuck(balances, master_address(gateway, network, deposit.account))


def _own(gateway: Gateway, network: Network, address: str) -> list[Stray]:
    with gateway.db.read() as session:
        rows = own_income(session, network.code, address)
    return [
        Stray(
            network=network.code,
            kind=OWN,
            contract=row.asset or None,
            symbol=asset.symbol if (asset := network.asset_of(row.asset)) else "",
            decimals=asset.decimals if asset else None,
            amount=row.amount,
            sender=None,
            tx_hash=row.tx_id,
            height=row.block_height,
        )
        for row in rows
    ]


def _known(session: Session, network: Network, address: str, latest: Header) -> Mapping[str, int]:
    rows = session.execute(
        select(PaymentRow.asset, PaymentRow.amount).where(
            PaymentRow.network == network.code,
            PaymentRow.address == address,
            PaymentRow.status != PaymentStatus.ORPHANED,
        )
    )
    known: defaultdict[str, int] = defaultdict(int)
    for (_, asset), amount in own_moves(session, network.code, [address], latest.height).items():
        known[asset] += amount
    for asset, amount in rows:
        known[asset] += amount
    return known


def _lying_there(network: Network, asset: Asset, latest: Header, kind: str, amount: int) -> Stray:
    return Stray(
        network=network.code,
        kind=kind,
        contract=asset.contract,
        symbol=asset.symbol,
        decimals=asset.decimals,
        amount=amount,
        sender=None,
        tx_hash=None,
        height=latest.height,
    )
