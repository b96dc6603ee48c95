"""The bookings of outgoing money: promised, given back, sent, taken back by the chain; and money from outside."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.ledger.lines import moved, swapped
from cloudpay.ledger.models import LedgerAccountRow
from cloudpay.ledger.service import post, post_many
from cloudpay.ledger.types import AccountKey, AccountKind, Booking, Line, Side

_NATIVE = ""
_LONGEST_REFERENCE = 200
_PROMISED = {AccountKind.MASTER: AccountKind.RESERVED, AccountKind.GAS: AccountKind.GAS_RESERVED}
"""Where what is promised is kept apart, by the purse that it comes out of."""


@dataclass(frozen=True)
class Outgoing:
    """What a spend takes from a wallet, in base units; `asset` is the contract, or empty for the native coin.

    `fee_reserved` is all that is promised for its fee at the time, in the native coin. `count` tells the turns of a
    spend that a deep reorganisation took back from each other; `goal` is where its amount is once it is settled.
    `purse` is what pays, amount and fee: the master wallet, or a gas station of its own.
    """

    spend_id: str
    merchant_id: str
    livemode: bool
    network: str
    asset: str
    amount: int
    fee_reserved: int
    count: int = 1
    goal: AccountKind = AccountKind.PAID_OUT
    purse: AccountKind = AccountKind.MASTER

    @property
    def promised(self) -> AccountKind:
        """The account of what its purse has promised."""
        return _PROMISED[self.purse]


@dataclass(frozen=True)
class Funding:
    """Money that reached (or, `leaves`, left) a wallet of the merchant by a transfer that is none of our spends.

    `ordinal` counts the transaction's transfers of that asset at that address; `count` the turns of its crediting.
    """

    network: str
    tx_id: str
    address: str
    asset: str
    ordinal: int
    merchant_id: str
    livemode: bool
    amount: int
    count: int = 1
    leaves: bool = False
    purse: AccountKind = AccountKind.MASTER


def available(
    session: Session,
    merchant_id: str,
    livemode: bool,
    network: str,
    asset: str,
    purse: AccountKind = AccountKind.MASTER,
) -> int:
    """Answer what lies in the master wallet, or in another purse, and is promised to nothing, in base units."""
    return _held(session, AccountKey(merchant_id, livemode, network, asset, purse))


def funded(session: Session, network: str) -> bool:
    """Say whether anything lies free in any master wallet on a network."""
    row = LedgerAccountRow
    holds = (row.network == network, row.kind == AccountKind.MASTER.value, row.debits != row.credits)
    return session.scalar(select(row.id).where(*holds).limit(1)) is not None


def reserved(session: Session, merchant_id: str, livemode: bool, network: str, asset: str) -> int:
    """Answer what lies in the master wallet and is promised to spends, in base units."""
    return _held(session, AccountKey(merchant_id, livemode, network, asset, AccountKind.RESERVED))


def post_reserve(session: Session, outgoing: Outgoing, now: datetime) -> bool:
    """Promise a spend's amount and fee to it; raises `InsufficientFunds`. False when it was booked before."""
    return bool(post_reserve_many(session, [outgoing], now))


def post_reserve_many(session: Session, outgoings: Sequence[Outgoing], now: datetime) -> frozenset[str]:
    """Promise all of these or, raising `InsufficientFunds` with every shortage, none; answer what was new."""
    bookings = [Booking("reserve", f"spend:{each.spend_id}:reserved", _promised(each)) for each in outgoings]
    return post_many(session, _with_lines(bookings), now, covered=tuple(_PROMISED))


def post_more_fee(session: Session, outgoing: Outgoing, extra: int, number: int, now: datetime) -> bool:
    """Promise `extra` more for a spend's fee, for the `number`th time; raises `InsufficientFunds`."""
    lines = _moved(outgoing, _NATIVE, extra, outgoing.purse, outgoing.promised)
    booking = Booking("more_fee", f"spend:{outgoing.spend_id}:fee:{number}", lines)
    return bool(post_many(session, [booking], now, covered=tuple(_PROMISED)))


def post_void(session: Session, outgoing: Outgoing, now: datetime) -> bool:
    """Give all that is promised to a spend back; False when it was booked before."""
    return bool(post_void_many(session, [outgoing], now))


def post_void_many(session: Session, outgoings: Sequence[Outgoing], now: datetime) -> frozenset[str]:
    """Give all that is promised to these spends back; answer what was new."""
    bookings = [
        Booking("void", f"spend:{each.spend_id}:voided", swapped(_promised(each))) for each in outgoings
    ]
    return post_many(session, _with_lines(bookings), now)


def post_settled(session: Session, outgoing: Outgoing, fee: int, now: datetime) -> bool:
    """Book a spend that is final: its amount is paid out, its fee taken, what was promised too much is free again."""
    return post(session, "settled", _turn(outgoing, "settled"), _ended(outgoing, fee, settled=True), now)


def post_reverted(session: Session, outgoing: Outgoing, fee: int, now: datetime) -> bool:
    """Book a spend that failed on the chain for good: its fee is taken, everything else is free again."""
    return post(session, "reverted", _turn(outgoing, "reverted"), _ended(outgoing, fee, settled=False), now)


def post_ended_many(
    session: Session, ended: Sequence[tuple[Outgoing, int]], now: datetime, *, settled: bool
) -> frozenset[str]:
    """Book as `post_settled`, or `post_reverted`, each of these with its fee; answer what was new."""
    outcome = "settled" if settled else "reverted"
    bookings = [
        Booking(outcome, _turn(outgoing, outcome), _ended(outgoing, fee, settled)) for outgoing, fee in ended
    ]
    return post_many(session, _with_lines(bookings), now)


def post_taken_back(session: Session, outgoing: Outgoing, fee: int, settled: bool, now: datetime) -> bool:
    """Book the exact reversal of `post_settled` or `post_reverted`: all is promised again, as it was before."""
    reference = f"{_turn(outgoing, 'settled' if settled else 'reverted')}:reversed"
    booking = Booking("taken_back", reference, swapped(_ended(outgoing, fee, settled)))
    return bool(post_many(session, _with_lines([booking]), now))


def post_funding(session: Session, funding: Funding, now: datetime) -> bool:
    """Book money that came into (or left) a wallet from outside; False when it was booked before."""
    return post(session, "funding", _funding_reference(funding), _funded(funding), now)


def post_funding_reversed(session: Session, funding: Funding, now: datetime) -> bool:
    """Book the exact reversal of `post_funding`."""
    reference = _funding_reference(funding, ":reversed")
    return post(session, "funding_reversed", reference, swapped(_funded(funding)), now)


def _held(session: Session, key: AccountKey) -> int:
    row = session.execute(
        select(LedgerAccountRow.debits, LedgerAccountRow.credits).where(
            LedgerAccountRow.merchant_id == key.merchant_id,
            LedgerAccountRow.livemode == key.livemode,
            LedgerAccountRow.network == key.network,
            LedgerAccountRow.asset == key.asset,
            LedgerAccountRow.kind == key.kind.value,
        )
    ).one_or_none()
    return row.debits - row.credits if row else 0


def _promised(outgoing: Outgoing) -> tuple[Line, ...]:
    amounts = {outgoing.asset: outgoing.amount}
    amounts[_NATIVE] = amounts.get(_NATIVE, 0) + outgoing.fee_reserved
    return tuple(
        line
        for asset, amount in amounts.items()
        for line in _moved(outgoing, asset, amount, outgoing.purse, outgoing.promised)
    )


def _ended(outgoing: Outgoing, fee: int, settled: bool) -> tuple[Line, ...]:
    """A fee beyond what was promised is taken from what is free: the chain has taken it, whatever we planned."""
    goal, promised = outgoing.goal if settled else outgoing.purse, outgoing.promised
    spare = outgoing.fee_reserved - fee
    from_promise = min(fee, outgoing.fee_reserved)
    return (
        *_moved(outgoing, outgoing.asset, outgoing.amount, promised, goal),
        *_moved(outgoing, _NATIVE, from_promise, promised, AccountKind.FEES),
        *_moved(outgoing, _NATIVE, max(spare, 0), promised, outgoing.purse),
        *_moved(outgoing, _NATIVE, max(-spare, 0), outgoing.purse, AccountKind.FEES),
    )


def _with_lines(bookings: Sequence[Booking]) -> list[Booking]:
    """A spend to ourselves for which no fee was known beforehand promises nothing."""
    return [each for each in bookings if each.lines]


def _moved(
    outgoing: Outgoing, asset: str, amount: int, source: AccountKind, goal: AccountKind
) -> tuple[Line, ...]:
    return moved((outgoing.merchant_id, outgoing.livemode, outgoing.network), asset, amount, source, goal)


def _turn(outgoing: Outgoing, outcome: str) -> str:
    return f"spend:{outgoing.spend_id}:{outcome}:{outgoing.count}"


def _funded(funding: Funding) -> tuple[Line, ...]:
    def line(kind: AccountKind, side: Side) -> Line:
        key = AccountKey(funding.merchant_id, funding.livemode, funding.network, funding.asset, kind)
        return Line(key, side, funding.amount)

    into, out_of = (Side.CREDIT, Side.DEBIT) if funding.leaves else (Side.DEBIT, Side.CREDIT)
    return line(funding.purse, into), line(AccountKind.FUNDING, out_of)


def _funding_reference(funding: Funding, ending: str = "") -> str:
    """Name the transfer in plain text where the column has room for it, as it has on every chain so far."""
    which = f"{funding.network}:{funding.tx_id}:{funding.address}:{funding.asset}:{funding.ordinal}:{funding.count}"
    way = "drain" if funding.leaves else "funding"
    plain = f"{way}:{which}{ending}"
    if len(plain) <= _LONGEST_REFERENCE:
        return plain
    return f"{way}:{hashlib.sha256(which.encode()).hexdigest()}{ending}"
