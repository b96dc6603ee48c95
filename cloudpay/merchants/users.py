"""The people who act for a merchant."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.ids import new_id
from cloudpay.merchants.errors import EmailTaken, InvalidField
from cloudpay.merchants.models import User
from cloudpay.merchants.service import find_merchant
from cloudpay.merchants.states import Role
from cloudpay.merchants.text import check_line

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


@dataclass(frozen=True)
class UserView:
    """A user of a merchant."""

    id: str
    merchant_id: str
    livemode: bool
    email: str
    role: Role
    created_at: datetime


def create_user(gateway: Gateway, merchant_id: str, email: str, *, role: str, actor: str) -> UserView:
    """Add a user; raises `InvalidField`, `EmailTaken`, `UnknownMerchant`."""
    address = _check_email(email)
    if role not in set(Role):
        raise InvalidField("role", f"There is no role {role!r}; choose one of: {', '.join(Role)}.")

    def work(session: Session) -> UserView:
        merchant = find_merchant(session, merchant_id)
        same = select(User.id).where(User.merchant_id == merchant_id, User.email == address)
        if session.scalar(same) is not None:
            raise EmailTaken(address)
        user = User(
            id=new_id("usr_"),
            merchant_id=merchant_id,
            livemode=merchant.livemode,
            email=address,
            role=role,
            created_at=gateway.clock.now(session),
        )
        session.add(user)
        details = {"email": address, "role": role}
        record(
            session,
            actor=actor,
            action="user.created",
            subject=user.id,
            merchant_id=merchant_id,
            livemode=user.livemode,
            details=details,
        )
        return _view(user)

    return gateway.db.run(work)


def list_users(gateway: Gateway, merchant_id: str) -> tuple[UserView, ...]:
    """Answer a merchant's users, oldest first; raises `UnknownMerchant`."""
    with gateway.db.read() as session:
        find_merchant(session, merchant_id)
        rows = session.scalars(select(User).where(User.merchant_id == merchant_id).order_by(User.id))
        return tuple(_view(row) for row in rows)


def _check_email(email: str) -> str:
    check_line("email", email, 254)
    if _EMAIL.fullmatch(email) is None:
        raise InvalidField("email", f"{email!r} is not an e-mail address; write it as name@example.com.")
    return email.lower()


def _view(row: User) -> UserView:
    return UserView(row.id, row.merchant_id, row.livemode, row.email, Role(row.role), row.created_at)
