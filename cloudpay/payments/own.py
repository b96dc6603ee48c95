"""What we move ourselves: no income, and still a part of what lies at an address."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, Index, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from cloudpay.chains.network import Network
from cloudpay.chains.types import Transfer
from cloudpay.kernel.among import among
from cloudpay.kernel.columns import BaseUnits
from cloudpay.kernel.db import Base
from cloudpay.wallets.service import DepositAddress, is_wallet


class _Group(NamedTuple):
    """What one transaction moved to (`incoming`), or from, one address in one asset."""

    tx_id: str
    address: str
    incoming: bool
    asset: str


class OwnMove(NamedTuple):
    """What one of our own transfers brought to a deposit address, in base units; negative what it took."""

    address: str
    asset: str
    block_height: int
    amount: int


class OwnTransferRow(Base):
    """Money that left a deposit address, or came to one from an address of the same merchant."""

    __tablename__ = "own_transfers"
    __table_args__ = (Index("ix_own_transfers_network_address", "network", "address"),)

    network: Mapped[str] = mapped_column(String(40), primary_key=True)
    tx_id: Mapped[str] = mapped_column(String(120), primary_key=True)
    address: Mapped[str] = mapped_column(String(120), primary_key=True)
    incoming: Mapped[bool] = mapped_column(primary_key=True)
    asset: Mapped[str] = mapped_column(String(100), primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    amount: Mapped[int] = mapped_column(BaseUnits)
    block_height: Mapped[int] = mapped_column(BigInteger)


def is_own(
    session: Session, network: Network, transfer: Transfer, known: Mapping[str, DepositAddress]
) -> bool:
    """Say whether a merchant's own address, a deposit address or a wallet, sends to a deposit address of it.

    That is no income (fault F23).
    """
    deposit = known.get(transfer.recipient)
    if deposit is None or transfer.sender is None:
        return False
    source = known.get(transfer.sender)
    if source is not None:
        return source.merchant_id == deposit.merchant_id
    return is_wallet(session, network, deposit.account, transfer.sender)


def remember_own(
    session: Session,
    network: Network,
    transfers: Iterable[Transfer],
    known: Mapping[str, DepositAddress],
    own: Collection[Transfer],
) -> list[OwnMove]:
    """Write down what left deposit addresses, and what came to them as `own`; once each, whoever tells it again.

    Answer what was not known yet.
    """
    groups: defaultdict[_Group, list[Transfer]] = defaultdict(list)
    for transfer in transfers:
        if transfer.amount == 0:
            continue
        asset = transfer.contract or ""
        if transfer in own:
            groups[_Group(transfer.tx_id, transfer.recipient, True, asset)].append(transfer)
        if transfer.sender is not None and transfer.sender in known:
            groups[_Group(transfer.tx_id, transfer.sender, False, asset)].append(transfer)
    return [
        OwnMove(
            group.address, group.asset, each.block.height, each.amount if group.incoming else -each.amount
        )
        for group, members in groups.items()
        for each in _remember(session, network, group, members)
    ]


def _remember(
    session: Session, network: Network, group: _Group, transfers: Iterable[Transfer]
) -> list[Transfer]:
    """Add what is not among the rows of this group yet, and answer it.

    Told apart by their amounts alone: where nodes trace in different ways, or one leaves something out, the places of
    the others differ.
    """
    row = OwnTransferRow
    same = (
        row.network == network.code,
        row.tx_id == group.tx_id,
        row.address == group.address,
        row.incoming == group.incoming,
        row.asset == group.asset,
    )
    amounts = session.scalars(select(row.amount).where(*same)).all()
    there, added = Counter(amounts), list[Transfer]()
    for transfer in transfers:
        if there[transfer.amount] > 0:
            there[transfer.amount] -= 1
            continue
        fresh = {
            "network": network.code,
            "ordinal": len(amounts) + len(added),
            "amount": transfer.amount,
            "block_height": transfer.block.height,
        }
        session.add(row(**group._asdict(), **fresh))
        added.append(transfer)
    session.flush()
    return added


def forget_own_above(session: Session, network: str, height: int, below: int) -> None:
    """Drop what stood in blocks that left the chain; what is mined again is written down again."""
    row = OwnTransferRow
    gone = (row.network == network, row.block_height > height, row.block_height < below)
    session.execute(delete(row).where(*gone))


def own_moves(
    session: Session, network: str, addresses: Collection[str], height: int
) -> Mapping[tuple[str, str], int]:
    """Answer by address and asset what our own transfers up to a block brought less what they took, fees aside."""
    moved: defaultdict[tuple[str, str], int] = defaultdict(int)
    rows = session.execute(
        select(
            OwnTransferRow.address, OwnTransferRow.asset, OwnTransferRow.incoming, OwnTransferRow.amount
        ).where(
            OwnTransferRow.network == network,
            among(session, OwnTransferRow.address, addresses),
            OwnTransferRow.block_height <= height,
        )
    )
    for address, asset, incoming, amount in rows:
        moved[address, asset] += amount if incoming else -amount
    return moved


def own_income(session: Session, network: str, address: str) -> Sequence[OwnTransferRow]:
    """Answer what the merchant's own addresses sent to one of them, oldest first."""
    return session.scalars(
        select(OwnTransferRow)
        .where(OwnTransferRow.network == network, OwnTransferRow.address == address, OwnTransferRow.incoming)
        .order_by(OwnTransferRow.block_height, OwnTransferRow.tx_id, OwnTransferRow.ordinal)
    ).all()
