"""What payouts cost, and whether the master wallet has it."""

import threading
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.spending import FeeTier
from cloudpay.kernel.db import refuse_inside_transaction
from cloudpay.kernel.money import format_amount
from cloudpay.ledger.outgoing import Outgoing, available, post_reserve_many
from cloudpay.ledger.types import InsufficientFunds, Shortage
from cloudpay.payouts.views import PayoutView, Total, needed
from cloudpay.transactions.errors import QuotesMissing
from cloudpay.transactions.service import fee_quotes, quotes_wanted_since, want_quotes

Quotes = Mapping[tuple[str, FeeTier, str], int]
"""By network, tier and asset: what one transfer costs at most, in the native coin."""

_PATIENCE_SECONDS = 2.0
"""A worker that runs and was nudged has asked the chain by then; one that loads its libraries first has not."""
_LOOK_EVERY = 0.05
_LATELY = timedelta(minutes=1)
"""Whoever asked within it has what sending costs kept fresh for some minutes to come."""
_WAITING = threading.BoundedSemaphore(2)
"""The threads of a web process that may wait: all the others are for requests that need not."""


def quotes(gateway: Gateway, networks: Collection[str]) -> Quotes:
    """Answer what sending costs on these networks; where nobody has asked lately, have the worker ask its chain.

    It is known as a rule. Where it is not, a few wait for the worker for a moment; raises `QuotesMissing`.
    """
    refuse_inside_transaction("quotes")
    try:
        return _known(gateway, networks)
    except QuotesMissing:
        if not _WAITING.acquire(blocking=False):
            raise
    try:
        return _wait_for(gateway, networks)
    finally:
        _WAITING.release()


def _known(gateway: Gateway, networks: Collection[str]) -> Quotes:
    """Answer what is known, and have it kept fresh while it is wanted."""
    with gateway.db.read() as session:
        lately = gateway.clock.now(session) - _LATELY
        unwanted = [each for each in sorted(networks) if not quotes_wanted_since(session, each, lately)]

    def demand(session: Session) -> None:
        for network in unwanted:
            want_quotes(session, gateway, network)

    if unwanted:
        gateway.db.run(demand)
    with gateway.db.read() as session:
        return {
            (network, tier, asset): fee
            for network in networks
            for (tier, asset), fee in fee_quotes(session, network).items()
        }


def _wait_for(gateway: Gateway, networks: Collection[str]) -> Quotes:
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return _known(gateway, networks)
        except QuotesMissing:
            if time.monotonic() > give_up_at:
                raise
        time.sleep(_LOOK_EVERY)


def reserve(session: Session, gateway: Gateway, payouts: Sequence[PayoutView], now: datetime) -> None:
    """Promise amounts and fees to these payouts, all or none; raises `InsufficientFunds` in decimals."""
    try:
        post_reserve_many(session, [outgoing(each) for each in payouts], now)
    except InsufficientFunds as error:
        raise _in_words(gateway, payouts, error.shortages) from error


def outgoing(payout: PayoutView, fee_reserved: int | None = None) -> Outgoing:
    """Answer what the ledger knows of a payout; `fee_reserved` where more was promised to it since."""
    return Outgoing(
        spend_id=payout.id,
        merchant_id=payout.merchant_id,
        livemode=payout.livemode,
        network=payout.network,
        asset=payout.asset,
        amount=payout.amount,
        fee_reserved=payout.fee_reserved if fee_reserved is None else fee_reserved,
    )


def free(
    session: Session, merchant_id: str, livemode: bool, sums: Iterable[Total]
) -> Mapping[tuple[str, str], tuple[int, int]]:
    """Answer, by network and asset, what these totals need and what is there for it."""
    return {
        (network, asset): (amount, available(session, merchant_id, livemode, network, asset))
        for (network, asset), amount in needed(sums).items()
    }


def _in_words(
    gateway: Gateway, payouts: Sequence[PayoutView], shortages: Iterable[Shortage]
) -> InsufficientFunds:
    units = {(each.network, each.asset): (each.symbol, each.decimals) for each in payouts}
    sentences = []
    for each in shortages:
        network = each.account.network
        native = gateway.chains.network(network).native
        symbol, decimals = units.get((network, each.account.asset), (native.symbol, native.decimals))
        wanted, there = (format_amount(max(amount, 0), decimals) for amount in (each.needed, each.available))
        fees = ", fees included," if each.account.asset == "" else ""
        sentences.append(
            f"{wanted} {symbol} on {network}{fees} are needed, and {there} {symbol} are available in the master wallet."
        )
    message = f"Nothing was accepted. {' '.join(sentences)} Fund the master wallet, or send less."
    return InsufficientFunds(list(shortages), message, {"items": sentences})
