"""From transfers to payments: each identity once, whatever is scanned again."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import Transfer
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.payments.inferred import (
    give_back_inferred,
    take_from_inferred,
    take_own_from_inferred,
    take_smaller_inferred,
)
from cloudpay.payments.models import PaymentRow
from cloudpay.payments.outside import observe_outside
from cloudpay.payments.own import is_own, remember_own
from cloudpay.payments.rows import announce, new_payment
from cloudpay.payments.states import PAYMENT, PaymentStatus
from cloudpay.wallets.gas import wallets
from cloudpay.wallets.service import DepositAddress, deposits


def observe(
    session: Session,
    gateway: Gateway,
    network: Network,
    transfers: Iterable[Transfer],
    block_times: Mapping[int, int],
) -> None:
    """Record the transfers of whole blocks; those that are known already, or come twice, change nothing.

    `block_times` holds Unix seconds by height, for every block that a transfer is in.
    """
    ordered = sorted(set(transfers), key=lambda each: (each.block.height, each.position))
    parties = {each.recipient for each in ordered} | {each.sender for each in ordered if each.sender}
    known = deposits(session, network.key_family.name, parties) if parties else {}
    own = {each for each in ordered if is_own(session, network, each, known)}
    fresh = remember_own(session, network, ordered, known, own)
    take_own_from_inferred(session, gateway, network, fresh)
    others = wallets(session, network.key_family.name, parties)
    observe_outside(session, gateway, network, ordered, known, others, own)
    for transfer, ordinal in _numbered(ordered):
        deposit = known.get(transfer.recipient)
        if deposit is not None and transfer.amount > 0 and transfer not in own:
            moment = datetime.fromtimestamp(block_times[transfer.block.height], UTC)
            _record(session, gateway, network, transfer, ordinal, deposit, moment)


def _numbered(transfers: Iterable[Transfer]) -> Iterator[tuple[Transfer, int]]:
    """Number the transfers of one transaction to one address in one asset: a number that survives re-mining."""
    seen: Counter[tuple[str, str, str | None]] = Counter()
    for transfer in transfers:
        group = (transfer.tx_id, transfer.recipient, transfer.contract)
        yield transfer, seen[group]
        seen[group] += 1


def _record(
    session: Session,
    gateway: Gateway,
    network: Network,
    transfer: Transfer,
    ordinal: int,
    deposit: DepositAddress,
    block_time: datetime,
) -> None:
    if network.asset_of(transfer.contract or "") is None:
        return
    row = session.scalar(
        select(PaymentRow).where(
            PaymentRow.network == network.code,
            PaymentRow.tx_id == transfer.tx_id,
            PaymentRow.address == transfer.recipient,
            PaymentRow.asset == (transfer.contract or ""),
            PaymentRow.ordinal == ordinal,
        )
    )
    if row is not None:
        was_gone = row.status == PaymentStatus.ORPHANED
        if _attach(row, transfer, block_time):
            if was_gone and transfer.contract is None:
                give_back_inferred(session, gateway, network, row)
            announce(session, gateway, row)
        return
    row = new_payment(session, gateway, network, deposit)
    row.asset, row.amount, row.sender = transfer.contract or "", transfer.amount, transfer.sender
    row.tx_id, row.ordinal, row.source = transfer.tx_id, ordinal, transfer.source.value
    row.status, row.block_time = PaymentStatus.CONFIRMING, block_time
    row.block_height, row.block_hash = transfer.block.height, transfer.block.hash
    if transfer.contract is None and take_from_inferred(session, row):
        announce(session, gateway, row)
        return
    session.add(row)
    session.flush()
    if transfer.contract is None:
        take_smaller_inferred(session, gateway, network, row)
    passing(Failpoint.PAYMENT_OBSERVED)
    announce(session, gateway, row)


def _attach(row: PaymentRow, transfer: Transfer, block_time: datetime) -> bool:
    """Tie a known payment to the block it is in now; answer whether anything changed."""
    settled = row.status == PaymentStatus.FINAL or row.block_hash == transfer.block.hash
    if settled and row.status != PaymentStatus.ORPHANED:
        return False
    if row.status != PaymentStatus.CONFIRMING:
        row.status = PAYMENT.check(PaymentStatus(row.status), PaymentStatus.CONFIRMING)
    row.amount = transfer.amount
    row.block_height, row.block_hash, row.block_time = transfer.block.height, transfer.block.hash, block_time
    return True
