"""A plan becomes spends: rows, bookings and requests in one transaction, under the rows' locks."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from cloudpay.alerts.service import Alert, clear_alert, open_alert
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.log import get_logger
from cloudpay.kernel.money import format_amount
from cloudpay.ledger.outgoing import available
from cloudpay.sweeps.models import UnsweptRow
from cloudpay.sweeps.pacing import next_look, was_tried
from cloudpay.sweeps.planner import plan
from cloudpay.sweeps.rows import read
from cloudpay.sweeps.states import WORDS, Standing
from cloudpay.sweeps.types import NATIVE, Held, Left, Plan, Sweep, Terms
from cloudpay.transactions.bookings import book_requests
from cloudpay.transactions.service import request_spends
from cloudpay.transactions.types import SpendKind, SpendRequest
from cloudpay.wallets.gas import gas_station
from cloudpay.wallets.masters import MasterWallet, find_master

_log = get_logger(__name__)


@dataclass(frozen=True)
class Collecting:
    """What was planned for some addresses, and the spends by which it goes, by address and asset."""

    plan: Plan
    spend_ids: Mapping[tuple[str, str], str]


def draw_up(session: Session, network: Network, held: Sequence[Held], terms: Terms) -> Plan:
    """Answer the plan for what lies at some addresses, with what the merchants' gas stations may spend now."""
    merchants = {(each.merchant_id, each.livemode, each.path.account) for each in held}
    gas = {
        merchant_id: max(0, _fuel(session, network, merchant_id, livemode, account))
        for merchant_id, livemode, account in merchants
    }
    return plan(held, terms, gas)


def _fuel(session: Session, network: Network, merchant_id: str, livemode: bool, account: int) -> int:
    station = gas_station(session, network, merchant_id, account)
    return available(session, merchant_id, livemode, network.code, NATIVE, station.purse)


def collect_from(
    session: Session, gateway: Gateway, network: Network, addresses: Collection[str], terms: Terms
) -> Collecting:
    """Plan for these addresses, and ask for what is to be collected; twice at once it is asked for once."""
    found = read(session, network.code, addresses, terms.now, lock=True)
    rows = {(held.address, held.asset): row for row, held in found}
    lying = [held for row, held in found if not _is_over(session, row, held)]
    for held in lying:
        _tell_difference(session, gateway, network, rows[held.address, held.asset], held)
    drawn = draw_up(session, network, lying, terms)
    passing(Failpoint.SWEEP_PLANNED)
    for left in drawn.left:
        if left.held.resting is not None and left.standing is left.held.resting:
            continue
        _leave(rows[left.held.address, left.held.asset], left, terms)
    requests = _requests(session, network, drawn.sweeps)
    if requests:
        book_requests(session, requests, terms.now)
        passing(Failpoint.SWEEP_BOOKED)
        request_spends(session, gateway, requests)
        passing(Failpoint.SWEEP_REQUESTED)
    ids = {(each.source, each.asset): each.id for each in requests}
    for each in requests:
        _take(rows[each.source, each.asset], each)
    if requests:
        _log.info("sweeps_requested", network=network.code, count=len(requests))
    return Collecting(drawn, ids)


def _is_over(session: Session, row: UnsweptRow, held: Held) -> bool:
    """Forget what holds nothing any more."""
    if held.busy:
        return False
    if held.amount != 0:
        row.amount = max(0, held.amount)
        return False
    session.delete(row)
    return True


def _tell_difference(
    session: Session, gateway: Gateway, network: Network, row: UnsweptRow, held: Held
) -> None:
    if held.found is None:
        return
    subject = f"{network.code}/{held.address}"
    if held.busy:
        return
    if held.found >= held.amount:
        row.found = None
        clear_alert(session, gateway, AlertKind.DEPOSIT_DIFFERS, subject)
        return
    symbol, decimals = network.unit_of(held.asset)
    sentence = (
        f"The deposit address {held.address} on {network.code} holds less {symbol} than "
        f"is booked there: {format_amount(held.found, decimals)} instead of {format_amount(held.amount, decimals)}."
    )
    open_alert(session, gateway, Alert(AlertKind.DEPOSIT_DIFFERS, subject, sentence))


def _leave(row: UnsweptRow, left: Left, terms: Terms) -> None:
    """Write down why it stays; one whose own spend is under way, or whose neighbour's is, waits for that."""
    standing = left.standing
    if standing is Standing.COLLECTED:
        standing = Standing.COLLECTED if row.spend_id is not None else Standing.BEHIND
    row.due_at = next_look(left.held, standing, row.looks, terms)
    row.looks = row.looks + 1 if row.standing == standing.value else 1
    row.standing, row.reason = standing.value, WORDS[standing]


def _take(row: UnsweptRow, request: SpendRequest) -> None:
    row.spend_id, row.amount, row.due_at = request.id, request.amount, None
    row.looks = row.looks if was_tried(Standing(row.standing)) else 0
    row.standing, row.reason = Standing.COLLECTED.value, WORDS[Standing.COLLECTED]


def _requests(session: Session, network: Network, sweeps: Sequence[Sweep]) -> list[SpendRequest]:
    masters: dict[str, MasterWallet | None] = {}
    requests = []
    for sweep in sweeps:
        held = sweep.held
        if held.merchant_id not in masters:
            masters[held.merchant_id] = find_master(session, network, held.merchant_id)
        master = masters[held.merchant_id]
        if master is None:  # the watcher makes it within a minute
            continue
        requests.append(
            SpendRequest(
                id=new_id("swp_"),
                kind=SpendKind.SWEEP,
                merchant_id=held.merchant_id,
                livemode=held.livemode,
                network=network.code,
                source=held.address,
                path=held.path,
                recipient=master.address,
                asset=held.asset,
                amount=sweep.amount,
                tier=held.tier,
                fee_reserved=0,
                fee_limit=sweep.fee_limit,
            )
        )
    return requests
