"""What the books and the chain may rightly differ by at a block, of money that came in or was moved past us."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from cloudpay.chains.network import Network
from cloudpay.chains.types import TransferSource
from cloudpay.ledger.pots import Change, Place, Pot, Surety
from cloudpay.payments.large import is_large
from cloudpay.payments.large import received as received_at
from cloudpay.payments.models import OutsideTransferRow, PaymentRow
from cloudpay.payments.own import OwnTransferRow
from cloudpay.payments.states import PaymentStatus
from cloudpay.wallets.models import DepositAddressRow


class Received(NamedTuple):
    """A deposit address that something came to on a network, and in which asset."""

    merchant_id: str
    livemode: bool
    address: str
    asset: str


def incoming(session: Session, network: Network, height: int) -> Iterator[Change]:
    """Answer what came in, or left unsigned by us, up to a block and is not booked; and, taken back, the contrary."""
    row = PaymentRow
    inferred = row.source == TransferSource.BALANCE.value
    columns = (row.merchant_id, row.livemode, row.address, row.asset, row.amount)
    found = select(*columns, row.status, row.block_height, row.source)
    differing = session.execute(found.where(_differs(row, network, height, inferred))).all()
    sums = received_at(session, network, {each.address for each in differing})
    for each in differing:
        pot = Pot(each.merchant_id, each.livemode, each.asset, Place.DEPOSITS)
        final, later = each.status == PaymentStatus.FINAL, each.block_height > height
        if later:  # a balance shows money at the block where it was looked at: it may have come before
            seen = each.source == TransferSource.BALANCE.value
            yield Change(pot, -each.amount if final else each.amount, Surety.MAYBE if seen else Surety.SURE)
        else:
            yield Change(pot, each.amount, _surety(network, each.asset, sums[each.address, each.asset]))


def moved_past_us(session: Session, network: Network, height: int) -> Iterator[Change]:
    """Answer the same of what came to wallets from outside, and of what left any address unsigned by us."""
    row = OutsideTransferRow
    for each in session.scalars(select(row).where(_differs(row, network, height, None))):
        place = _place(each)
        amount = -each.amount if each.leaves else each.amount
        sure = each.leaves or each.status == PaymentStatus.FINAL
        surety = Surety.SURE if sure else _surety(network, each.asset, each.amount, of_payment=False)
        booked = each.status == PaymentStatus.FINAL
        pot = Pot(each.merchant_id, each.livemode, each.asset, place)
        yield Change(pot, -amount if booked else amount, surety)


def received(session: Session, network: Network) -> Iterator[Received]:
    """Answer the deposit addresses that anything ever came to, each asset once; of any status, and by our own hand."""
    seen: set[Received] = set()
    paid, outside, own, deposit = PaymentRow, OutsideTransferRow, OwnTransferRow, DepositAddressRow
    questions = (
        select(paid.merchant_id, paid.livemode, paid.address, paid.asset).where(paid.network == network.code),
        select(outside.merchant_id, outside.livemode, outside.address, outside.asset).where(
            outside.network == network.code, outside.at_deposit
        ),
        select(deposit.merchant_id, deposit.livemode, deposit.address, own.asset)
        .join(own, own.address == deposit.address)
        .where(deposit.key_family == network.key_family.name, own.network == network.code, own.incoming),
    )
    for question in questions:
        for row in session.execute(question.execution_options(yield_per=1_000)):
            each = Received(*row)
            if each not in seen:
                seen.add(each)
                yield each


def _place(row: OutsideTransferRow) -> Place:
    if row.at_deposit:
        return Place.DEPOSITS
    return Place.GAS_STATION if row.at_gas_wallet else Place.MASTER


def _differs(
    row: type[PaymentRow | OutsideTransferRow],
    network: Network,
    height: int,
    also: ColumnElement[bool] | None,
) -> ColumnElement[bool]:
    """What waits although its block is there, and what is booked although its block comes later."""
    confirming = row.status == PaymentStatus.CONFIRMING
    waits: ColumnElement[Any] = and_(confirming, row.block_height <= height)
    if also is not None:
        waits = or_(waits, and_(confirming, also))
    ahead = and_(row.status == PaymentStatus.FINAL, row.block_height > height)
    return and_(row.network == network.code, or_(waits, ahead))


def _surety(network: Network, key: str, amount: int, *, of_payment: bool = True) -> Surety:
    """What waits for a second node may be a lie; what waits for a balance may have arrived in part."""
    asset = network.asset_of(key)
    if asset is not None and asset.verify_balance and of_payment:
        return Surety.PARTLY
    return Surety.MAYBE if is_large(network, key, amount) else Surety.SURE
