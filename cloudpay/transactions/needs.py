"""What a draft needs is sent before it: a spend of its own, whose id comes from the one that needs it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from cloudpay.chains.network import Network
from cloudpay.chains.spending import Draft, FeeTier, KeyPath, Spend
from cloudpay.chains.types import DEPOSIT_CHAIN
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.ledger.types import InsufficientFunds
from cloudpay.transactions.bookings import book_requests
from cloudpay.transactions.models import FeeQuoteRow
from cloudpay.transactions.rows import SPEND, path_of
from cloudpay.transactions.service import request_spends
from cloudpay.transactions.states import SpendStatus
from cloudpay.transactions.station import Station
from cloudpay.transactions.types import SpendKind, SpendRequest
from cloudpay.wallets.gas import GasStation, gas_station

_MOST = 3
"""Times that what was sent ahead may turn out to be too little, since the fee has risen meanwhile."""

_OVER = (SpendStatus.CONFIRMED.value, SpendStatus.FAILED.value, SpendStatus.CANCELLED.value)


def fuelled_by(
    session: Session, network: Network, sources: Mapping[str, Row[Any]]
) -> Mapping[str, GasStation]:
    """Answer by address what fuels it: each merchant is asked for once, however many of its addresses pay.

    A wallet pays its own fees: a gas station fuels deposit addresses, and never itself or the master wallet.
    """
    merchants = {(row.merchant_id, row.account) for row in sources.values() if row.chain == DEPOSIT_CHAIN}
    stations = {each: gas_station(session, network, *each) for each in merchants}
    return {
        address: stations[row.merchant_id, row.account]
        if row.chain == DEPOSIT_CHAIN
        else GasStation(address, path_of(row))
        for address, row in sources.items()
    }


def request_needs(
    session: Session, station: Station, row: Row[Any], draft: Draft, keys: Mapping[str, KeyPath]
) -> str:
    """Ask for what a spend's draft needs, and have the spend wait for it; asking twice asks once (fault F74).

    `keys` names the paths that it was drafted with: whoever is the gas station by now, what it needs comes from there.
    Answer why it cannot be had: what pays for it holds too little, or it was had in vain. Nothing is asked for then;
    empty text as a rule.
    """
    if _in_vain(session, row):
        return "What was sent ahead for its fee has failed, or did not suffice several times."
    try:
        with session.begin_nested():
            asked = [
                _request(session, station, row, need, number, keys[need.source])
                for number, need in enumerate(draft.needs, start=1)
            ]
    except InsufficientFunds as error:
        return f"The gas station holds too little: {error.message}"
    waits = update(SPEND).where(SPEND.c.id == row.id, SPEND.c.status == SpendStatus.QUEUED.value)
    session.execute(waits.values(waits_for=asked[-1], reason="It waits for native coins that pay its fee."))
    passing(Failpoint.TOP_UP_REQUESTED)
    return ""


def _in_vain(session: Session, row: Row[Any]) -> bool:
    """Say whether asking again is no use: it would be paid for without end."""
    mine = SPEND.c.id.startswith(f"{row.id}:t", autoescape=True)
    statuses = session.scalars(select(SPEND.c.status).where(mine)).all()
    return SpendStatus.FAILED.value in statuses or statuses.count(SpendStatus.CONFIRMED.value) >= _MOST


def _request(
    session: Session, station: Station, row: Row[Any], need: Spend, number: int, path: KeyPath
) -> str:
    """Answer the id of the spend that is under way, or of a new one where the last is over and did not suffice."""
    prefix = f"{row.id}:t{number}"
    rows = session.execute(
        select(SPEND.c.id, SPEND.c.status).where(SPEND.c.id.startswith(prefix, autoescape=True))
    )
    before = {each.id: each.status for each in rows}
    under_way = [each for each, status in before.items() if status not in _OVER]
    if under_way:
        return str(under_way[0])
    name = prefix if not before else f"{prefix}.{len(before) + 1}"
    request = SpendRequest(
        id=name,
        kind=SpendKind.GAP if need.recipient == need.source else SpendKind.TOP_UP,
        merchant_id=row.merchant_id,
        livemode=row.livemode,
        network=row.network,
        source=need.source,
        path=path,
        recipient=need.recipient,
        asset=need.contract or "",
        amount=need.amount,
        tier=FeeTier(row.tier),
        fee_reserved=_quoted(session, row, need),
    )
    book_requests(session, [request], station.gateway.clock.now(session))
    passing(Failpoint.TOP_UP_BOOKED)
    request_spends(session, station.gateway, [request])
    return name


def _quoted(session: Session, row: Row[Any], need: Spend) -> int:
    """Answer what sending it was last said to cost at most; what is still missing is reserved when it is signed."""
    quote = session.get(FeeQuoteRow, (row.network, row.tier, need.contract or ""))
    return 0 if quote is None else quote.fee
