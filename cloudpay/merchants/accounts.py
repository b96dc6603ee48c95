"""Which account of every key family the next merchant is given: none that may be in use."""

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from cloudpay.kernel.upsert import upsert
from cloudpay.merchants.models import AccountReserve, Merchant

_ALL = "all"


def next_account(session: Session) -> int:
    """Answer the next free account, in the transaction that gives it away; no other gives one away meanwhile."""
    _wait_for_other_creations(session)
    highest = session.scalar(select(func.max(Merchant.account_index)))
    return max(0 if highest is None else highest + 1, reserved_accounts(session))


def reserved_accounts(session: Session) -> int:
    """Answer below which account none is given away, 0 where nothing is reserved."""
    return session.scalar(select(AccountReserve.below).where(AccountReserve.name == _ALL)) or 0


def reserve_accounts(session: Session, below: int) -> None:
    """Have no account below this be given away from now on; what is reserved stays so."""
    row = AccountReserve
    statement = upsert(session, row).values(name=_ALL, below=below)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["name"], set_={"below": below}, where=row.below < below
        )
    )


def _wait_for_other_creations(session: Session) -> None:
    """Two merchants must not take one account; on SQLite a transaction that writes is alone anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE merchants IN SHARE ROW EXCLUSIVE MODE"))
