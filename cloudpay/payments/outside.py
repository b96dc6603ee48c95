"""Money that comes to wallets of merchants from outside, and all that leaves an address of ours unsigned by us.

Each transfer has one row for each of our addresses that it touches. It is told from others of its transaction by its
amount, so that it is the same one whatever a node leaves out or adds besides.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.alerts.service import Alert, open_alert
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import Transfer
from cloudpay.kernel.among import among
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.money import format_amount
from cloudpay.payments.models import OutsideTransferRow
from cloudpay.payments.states import PAYMENT, PaymentStatus
from cloudpay.wallets.freezes import freeze
from cloudpay.wallets.gas import GasWallet, Wallet
from cloudpay.wallets.masters import MasterWallet
from cloudpay.wallets.own import own_among
from cloudpay.wallets.service import DepositAddress

_Key = tuple[str, str, str, bool]
"""Transaction, address, asset, and whether it leaves."""

_NAMES = {DepositAddress: "deposit address", GasWallet: "gas station", MasterWallet: "master wallet"}


@dataclass(frozen=True)
class Side:
    """One end of a transfer that lies at an address of ours."""

    transfer: Transfer
    holder: DepositAddress | Wallet
    leaves: bool

    @property
    def key(self) -> _Key:
        """What it has in common with others that only their amounts tell apart."""
        return self.transfer.tx_id, self.holder.address, self.transfer.contract or "", self.leaves


def observe_outside(
    session: Session,
    gateway: Gateway,
    network: Network,
    transfers: Iterable[Transfer],
    known: Mapping[str, DepositAddress],
    wallets: Mapping[str, Wallet],
    own: Collection[Transfer],
) -> None:
    """Record what came from outside to these addresses of ours, and what left them past us; each once.

    `own` are those by which a merchant's own addresses pay its deposit addresses: no payments, whoever signed them.
    """
    sides = list(_sides(network, transfers, known, wallets, own))
    signed = own_among(session, network.code, {side.transfer.tx_id for side in sides})
    foreign = [side for side in sides if side.transfer.tx_id not in signed]
    rows = _known_rows(session, network, foreign)
    turns: defaultdict[tuple[_Key, int], int] = defaultdict(int)
    for side in foreign:
        amount = side.transfer.amount
        same = [row for row in rows[side.key] if row.amount == amount]
        turn = turns[side.key, amount]
        turns[side.key, amount] += 1
        if turn < len(same):
            _attach(same[turn], side.transfer)
        else:
            row = _new(session, gateway, network, side, ordinal=len(rows[side.key]))
            rows[side.key].append(row)


def _sides(
    network: Network,
    transfers: Iterable[Transfer],
    known: Mapping[str, DepositAddress],
    wallets: Mapping[str, Wallet],
    own: Collection[Transfer],
) -> Iterator[Side]:
    for transfer in transfers:
        if transfer.amount == 0 or network.asset_of(transfer.contract or "") is None:
            continue
        sender = transfer.sender or ""
        source = wallets.get(sender) or known.get(sender)
        if source is not None:
            yield Side(transfer, source, leaves=True)
        goal = wallets.get(transfer.recipient)
        if goal is not None:
            yield Side(transfer, goal, leaves=False)
        elif transfer in own:  # anything else that comes there is a payment
            yield Side(transfer, known[transfer.recipient], leaves=False)


def _known_rows(
    session: Session, network: Network, sides: Sequence[Side]
) -> defaultdict[_Key, list[OutsideTransferRow]]:
    rows: defaultdict[_Key, list[OutsideTransferRow]] = defaultdict(list)
    row = OutsideTransferRow
    tx_ids = {side.transfer.tx_id for side in sides}
    if tx_ids:
        mine = select(row).where(row.network == network.code, among(session, row.tx_id, tx_ids))
        for each in session.scalars(mine.order_by(row.ordinal)):
            rows[each.tx_id, each.address, each.asset, each.leaves].append(each)
    return rows


def _attach(row: OutsideTransferRow, transfer: Transfer) -> None:
    """Tie a known transfer to the block that it is in now."""
    settled = row.status == PaymentStatus.FINAL or row.block_hash == transfer.block.hash
    if settled and row.status != PaymentStatus.ORPHANED:
        return
    if row.status != PaymentStatus.CONFIRMING:
        row.status = PAYMENT.check(PaymentStatus(row.status), PaymentStatus.CONFIRMING)
    row.block_height, row.block_hash = transfer.block.height, transfer.block.hash


def _new(
    session: Session, gateway: Gateway, network: Network, side: Side, *, ordinal: int
) -> OutsideTransferRow:
    transfer, now = side.transfer, gateway.clock.now(session)
    row = OutsideTransferRow(
        id=new_id("out_"),
        merchant_id=side.holder.merchant_id,
        livemode=side.holder.livemode,
        network=network.code,
        tx_id=transfer.tx_id,
        address=side.holder.address,
        at_deposit=isinstance(side.holder, DepositAddress),
        at_gas_wallet=isinstance(side.holder, GasWallet),
        asset=transfer.contract or "",
        ordinal=ordinal,
        leaves=side.leaves,
        counterparty=transfer.recipient if side.leaves else transfer.sender,
        source=transfer.source.value,
        amount=transfer.amount,
        status=PaymentStatus.CONFIRMING,
        block_height=transfer.block.height,
        block_hash=transfer.block.hash,
        first_seen_at=now,
        credits=0,
    )
    session.add(row)
    session.flush()
    if side.leaves:
        sentence = _what_left(network, side)
        freeze(session, network.code, sentence, now)
        subject = f"{network.code}/{transfer.tx_id}"
        open_alert(session, gateway, Alert(AlertKind.OUTSIDE_SPEND, subject, sentence))
    passing(Failpoint.OUTSIDE_NOTED)
    return row


def _what_left(network: Network, side: Side) -> str:
    asset = network.asset_of(side.transfer.contract or "")
    amount = format_amount(side.transfer.amount, asset.decimals) if asset else str(side.transfer.amount)
    place = _NAMES[type(side.holder)]
    return (
        f"{amount} {asset.symbol if asset else ''} left the {place} {side.holder.address} on {network.code} "
        f"by transaction {side.transfer.tx_id}, which this gateway did not sign."
    )
