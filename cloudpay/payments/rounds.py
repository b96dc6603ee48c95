"""Who is looked at at one block: by turns while nodes do not trace, and once all round when they trace again.

Money that a contract sent in a block that was read without traces is found by a balance alone. So as long as that
may be owed (`NetworkRow.untraced_at`), looks go on, until each watched address has had one since.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.payments.models import NativeWatchRow, NetworkRow
from cloudpay.payments.turns import Turn


@dataclass(frozen=True)
class Round:
    """One look at each watched address since nodes trace again, in the order of ids: those up to `place` had theirs.

    `since` is the network's `untraced_at`: where that changes meanwhile, the round begins anew.
    """

    since: datetime
    place: str = ""
    over: bool = False


@dataclass(frozen=True)
class Chosen:
    """Whose turn it is; `left_out` is the expiry of the first who is owed a look and for whom there is no room."""

    turns: tuple[Turn, ...]
    left_out: datetime | None
    all_had_room: bool
    round: Round | None = None


def owed_since(session: Session, network: str) -> datetime | None:
    """Answer since when a look at all balances is owed; None where nothing was read without traces since the last."""
    return session.scalar(select(NetworkRow.untraced_at).where(NetworkRow.code == network))


def choose(session: Session, network: str, began: datetime, budget: int, going: Round | None) -> Chosen:
    """Answer whose turn it is: whoever is owed a look first; then the next ones of the round, or the longest due."""
    row = NativeWatchRow
    watched = select(
        row.deposit_address_id,
        row.address,
        row.created_at,
        row.expires_at,
        row.look_at,
        row.owed_at,
        row.failing_since,
    ).where(row.network == network)
    # Those that fail again and again have their turn as the others have, and keep nobody's room.
    owed = (
        watched.where(row.owed_at < began, row.failing_since.is_(None))
        .order_by(row.owed_at)
        .limit(budget + 1)
    )
    turns = [Turn(*each) for each in session.execute(owed)]
    if len(turns) > budget:
        return Chosen(tuple(turns[:budget]), turns[budget].owed_at, all_had_room=False, round=going)
    if going is None:
        due = watched.order_by(row.look_at).limit(budget)
    else:
        due = watched.where(row.deposit_address_id > going.place)
        due = due.order_by(row.deposit_address_id).limit(budget)
    following = [Turn(*each) for each in session.execute(due)]
    known = {turn.deposit_id for turn in turns}
    others = [turn for turn in following if turn.deposit_id not in known]
    taken = others[: budget - len(turns)]
    if going is None:
        return Chosen((*turns, *taken), None, all_had_room=len(turns) + len(taken) < budget)
    over = len(following) < budget and len(taken) == len(others)
    last = (taken if len(taken) < len(others) else following)[-1:]
    place = last[0].deposit_id if last else going.place
    return Chosen((*turns, *taken), None, over, replace(going, place=place, over=over))
