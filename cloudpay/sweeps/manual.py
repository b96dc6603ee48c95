"""Collecting by hand: the plan as a person reads it, and what is carried out of it at once."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cloudpay.chains.errors import NetworkCannotSend
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.kernel.money import format_amount
from cloudpay.sweeps.cold import TIER, require_foreign, send_on, surplus_of
from cloudpay.sweeps.collecting import Collecting, collect_from, draw_up
from cloudpay.sweeps.homing import bring_home, kept_for_now, not_needed
from cloudpay.sweeps.models import UnsweptRow
from cloudpay.sweeps.rows import read
from cloudpay.sweeps.service import AT_ONCE, QUOTES_KEPT, require_sendable
from cloudpay.sweeps.states import WORDS, Standing
from cloudpay.sweeps.terms import terms_now
from cloudpay.sweeps.types import NATIVE, Held, Left, Plan, Sweep
from cloudpay.transactions.errors import QuotesMissing
from cloudpay.transactions.service import quotes_younger_than, want_quotes
from cloudpay.wallets.gas import GasWallet, Wallet, all_gas_wallets
from cloudpay.wallets.masters import MasterWallet, all_masters

_PATIENCE_SECONDS = 15.0
_LOOK_EVERY = 0.2
_WHY = {
    "home": f"The gas station does not need it ({TIER.value} fee).",
    "cold": f"It is above `cold_above` ({TIER.value} fee).",
    "leave": "What is under way from there may need it for a higher fee: sweep once more when that has ended.",
}


@dataclass(frozen=True)
class SweepLine:
    """One asset at one address: `action` is `sweep`, `home`, `cold` or `leave`; amounts in decimals of their assets.

    `fee` and `top_up` are in the native coin: what it costs at most, and what is sent there ahead of it.
    """

    network: str
    merchant_id: str
    address: str
    asset: str
    amount: str
    action: str
    fee: str
    top_up: str
    reason: str
    spend_id: str | None


def sweep_now(gateway: Gateway, network: Network, *, dry_run: bool) -> list[SweepLine]:
    """Collect whatever is worth its fee, however long it has waited; with `dry_run` only say what would be.

    Raises `NetworkCannotSend`, `NetworkClosed`, `SendingFrozen`, `QuotesMissing` and `ColdAddressIsOurs`.
    """
    if not network.sends:
        raise NetworkCannotSend(network.code)
    with gateway.db.read() as session:
        require_foreign(session, network)
    _await_quotes(gateway, network)
    if dry_run:
        with gateway.db.read() as session:
            return list(_would(session, gateway, network))
    lines: list[SweepLine] = []
    gateway.db.run(partial(_forget_differences, network=network.code))
    for addresses in _chunks(gateway, network):
        work = partial(_collect, gateway=gateway, network=network, addresses=addresses)
        lines += gateway.db.run(work)
    with gateway.db.read() as session:
        masters = all_masters(session, network.key_family.name)
        gas_wallets = all_gas_wallets(session, network.key_family.name)
    for wallet in gas_wallets:
        lines += gateway.db.run(partial(_bring_home, gateway=gateway, network=network, wallet=wallet))
    for master in masters if network.cold_address else ():
        lines += gateway.db.run(partial(_send_on, gateway=gateway, network=network, master=master))
    return lines


def waiting(gateway: Gateway, network: Network) -> list[SweepLine]:
    """Answer all that lies at deposit addresses and is left there or under way, as it was last looked at."""
    row = UnsweptRow
    mine = select(row).where(row.network == network.code).order_by(row.merchant_id, row.since, row.address)
    with gateway.db.read() as session:
        rows = session.scalars(mine).all()
        return [_stored(network, each) for each in rows]


def _await_quotes(gateway: Gateway, network: Network) -> None:
    """Wait a moment for the worker that asks the chain what sending costs."""
    gateway.db.run(lambda session: want_quotes(session, gateway, network.code))
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while True:
        with gateway.db.read() as session:
            now = gateway.clock.now(session)
            if quotes_younger_than(session, network.code, now - QUOTES_KEPT):
                return
        if time.monotonic() > give_up_at:
            raise QuotesMissing(network.code)
        time.sleep(_LOOK_EVERY)


def _chunks(gateway: Gateway, network: Network) -> Iterator[Sequence[str]]:
    row, after = UnsweptRow, ""
    while True:
        some = select(row.address).where(row.network == network.code, row.address > after).distinct()
        with gateway.db.read() as session:
            addresses = session.scalars(some.order_by(row.address).limit(AT_ONCE)).all()
        if not addresses:
            return
        yield addresses
        after = addresses[-1]


def _forget_differences(session: Session, network: str) -> None:
    """Whoever asks by hand may have put right what the chain showed less of: it is looked at anew."""
    row = UnsweptRow
    session.execute(
        update(row)
        .where(row.network == network, row.found.is_not(None), row.spend_id.is_(None))
        .values(found=None)
        .execution_options(synchronize_session=False)
    )


def _would(session: Session, gateway: Gateway, network: Network) -> Iterator[SweepLine]:
    terms = terms_now(session, gateway, network, at_once=True)
    row = UnsweptRow
    addresses = session.scalars(select(row.address).where(row.network == network.code).distinct()).all()
    held: list[Held] = []
    for start in range(0, len(addresses), AT_ONCE):
        some = read(session, network.code, addresses[start : start + AT_ONCE], terms.now, lock=False)
        held += [each for _row, each in some if each.amount != 0 or each.busy]
    yield from _lines(network, Collecting(draw_up(session, network, held, terms), {}))
    for wallet in all_gas_wallets(session, network.key_family.name):
        for spend in not_needed(session, network, wallet, terms):
            yield _onward(network, wallet, "home", spend.asset, spend.amount, spend.fee, None)
        yield from _kept(session, network, wallet)
    for master in all_masters(session, network.key_family.name) if network.cold_address else ():
        for spend in surplus_of(session, network, master, terms, at_once=True):
            yield _onward(network, master, "cold", spend.asset, spend.amount, spend.fee, None)


def _collect(
    session: Session, gateway: Gateway, network: Network, addresses: Sequence[str]
) -> list[SweepLine]:
    require_sendable(session, gateway, network)
    terms = terms_now(session, gateway, network, at_once=True)
    return list(_lines(network, collect_from(session, gateway, network, addresses, terms)))


def _bring_home(session: Session, gateway: Gateway, network: Network, wallet: GasWallet) -> list[SweepLine]:
    require_sendable(session, gateway, network)
    terms = terms_now(session, gateway, network, at_once=True)
    sent = bring_home(session, gateway, network, wallet, terms)
    gone = [
        _onward(network, wallet, "home", each.asset, each.amount, each.fee_reserved, each.id) for each in sent
    ]
    return [*gone, *_kept(session, network, wallet)]


def _send_on(session: Session, gateway: Gateway, network: Network, master: MasterWallet) -> list[SweepLine]:
    require_sendable(session, gateway, network)
    terms = terms_now(session, gateway, network, at_once=True)
    sent = send_on(session, gateway, network, master, terms, at_once=True)
    return [
        _onward(network, master, "cold", each.asset, each.amount, each.fee_reserved, each.id) for each in sent
    ]


def _lines(network: Network, done: Collecting) -> Iterator[SweepLine]:
    plan: Plan = done.plan
    for sweep in plan.sweeps:
        key = (sweep.held.address, sweep.held.asset)
        yield _going(network, sweep, done.spend_ids.get(key))
    for left in plan.left:
        yield _staying(network, left)


def _going(network: Network, sweep: Sweep, spend_id: str | None) -> SweepLine:
    cost = sweep.fee + sweep.top_up_fee
    return _line(
        network, sweep.held, sweep.amount, "sweep", cost, top_up=sweep.top_up, reason="", spend_id=spend_id
    )


def _staying(network: Network, left: Left) -> SweepLine:
    reason = WORDS[left.standing]
    return _line(network, left.held, max(0, left.held.amount), "leave", left.cost, reason=reason)


def _line(
    network: Network,
    held: Held,
    amount: int,
    action: str,
    cost: int,
    *,
    reason: str,
    top_up: int = 0,
    spend_id: str | None = None,
) -> SweepLine:
    symbol, decimals = network.unit_of(held.asset)
    return SweepLine(
        network.code,
        held.merchant_id,
        held.address,
        symbol,
        format_amount(amount, decimals),
        action,
        format_amount(cost, network.native.decimals),
        format_amount(top_up, network.native.decimals),
        reason,
        spend_id,
    )


def _kept(session: Session, network: Network, wallet: GasWallet) -> Iterator[SweepLine]:
    amount = kept_for_now(session, network, wallet)
    if amount:
        yield _onward(network, wallet, "leave", NATIVE, amount, 0, None)


def _onward(
    network: Network, wallet: Wallet, action: str, asset: str, amount: int, fee: int, spend_id: str | None
) -> SweepLine:
    """What a wallet holds, as it goes home or to the cold address, or stays for now."""
    symbol, decimals = network.unit_of(asset)
    return SweepLine(
        network.code,
        wallet.merchant_id,
        wallet.address,
        symbol,
        format_amount(amount, decimals),
        action,
        format_amount(fee, network.native.decimals),
        format_amount(0, network.native.decimals),
        _WHY[action],
        spend_id,
    )


def _stored(network: Network, row: UnsweptRow) -> SweepLine:
    symbol, decimals = network.unit_of(row.asset)
    nothing = format_amount(0, network.native.decimals)
    action = "sweep" if row.standing == Standing.COLLECTED else "leave"
    reason = row.reason or WORDS[Standing(row.standing)]
    return SweepLine(
        network.code,
        row.merchant_id,
        row.address,
        symbol,
        format_amount(row.amount, decimals),
        action,
        nothing,
        nothing,
        reason,
        row.spend_id,
    )
