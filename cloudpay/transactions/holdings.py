"""What our own spends have brought to deposit addresses and taken from them, and which addresses they are busy with."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from cloudpay.chains.spending import FeeTier, KeyPath
from cloudpay.kernel.among import among
from cloudpay.transactions.models import INNER, SpendRow
from cloudpay.transactions.states import SpendStatus
from cloudpay.transactions.types import SpendKind

_GONE = (SpendStatus.FAILED, SpendStatus.CANCELLED)
_UNDER_WAY = (SpendStatus.QUEUED, SpendStatus.SENDING, SpendStatus.SENT)


@dataclass
class Moves:
    """Base units by address and asset, below zero what was taken; addresses whose spends are not done yet."""

    sums: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    busy: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class InnerSpend:
    """A spend that moves money between addresses of ours, or to the cold wallet, as it stands now."""

    id: str
    kind: SpendKind
    status: SpendStatus
    merchant_id: str
    livemode: bool
    network: str
    source: str
    path: KeyPath
    recipient: str
    asset: str
    amount: int
    tier: FeeTier
    fee: int | None
    reason: str
    found: int | None

    @property
    def under_way(self) -> bool:
        """Say whether it is not done yet."""
        return self.status in _UNDER_WAY


def own_moves_of(session: Session, network: str, addresses: Collection[str]) -> Moves:
    """Answer what spends have moved to these deposit addresses and away from them.

    What is to leave counts as gone from the moment it is asked for; what is to come counts once it is final; fees too.
    """
    moves, row = Moves(), SpendRow
    if not addresses:
        return moves
    columns = select(row.source, row.recipient, row.kind, row.status, row.asset, row.amount, row.fee)
    inner = columns.where(INNER, row.network == network)
    for each in session.execute(inner.where(among(session, row.source, addresses))):
        if each.status not in _GONE and each.kind == SpendKind.SWEEP:
            moves.sums[each.source, each.asset] -= each.amount
        moves.sums[each.source, ""] -= each.fee or 0
        if each.status in _UNDER_WAY:
            moves.busy.add(each.source)
    for each in session.execute(inner.where(among(session, row.recipient, addresses))):
        if each.kind == SpendKind.TOP_UP:
            if each.status == SpendStatus.CONFIRMED:
                moves.sums[each.recipient, each.asset] += each.amount
            if each.status in _UNDER_WAY:
                moves.busy.add(each.recipient)
    return moves


def inner_spend(session: Session, spend_id: str) -> InnerSpend | None:
    """Answer one spend that is no payout, or None."""
    row = session.get(SpendRow, spend_id)
    if row is None or row.kind == SpendKind.PAYOUT:
        return None
    return InnerSpend(
        row.id,
        SpendKind(row.kind),
        SpendStatus(row.status),
        row.merchant_id,
        row.livemode,
        row.network,
        row.source,
        KeyPath(row.account, row.chain, row.index),
        row.recipient,
        row.asset,
        row.amount,
        FeeTier(row.tier),
        row.fee,
        row.reason,
        row.found,
    )


def last_cold(session: Session, network: str, source: str) -> Mapping[str, tuple[datetime, bool]]:
    """Answer by asset when surplus was last sent to a cold wallet, and whether some is under way."""
    row = SpendRow
    mine = (INNER, row.network == network, row.source == source, row.kind == SpendKind.COLD)
    newest = select(row.asset, func.max(row.created_at)).where(*mine).group_by(row.asset)
    waiting = select(row.asset).where(*mine, or_(*(row.status == each for each in _UNDER_WAY)))
    busy = set(session.scalars(waiting))
    return {asset: (at, asset in busy) for asset, at in session.execute(newest)}
