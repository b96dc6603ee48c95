"""What tests of payouts send, and count."""

from typing import Any

from sqlalchemy import func, select

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.db import Base
from cloudpay.testing.addresses import fake_address

ALICE, BOB = fake_address("alice"), fake_address("bob")


def item(number: int = 1, **changes: Any) -> dict[str, Any]:
    """One item as the published page writes it."""
    return {"address": ALICE, "amount": "0.5", "id": f"REF_{number:03}", **changes}


def count(gateway: Gateway, model: type[Base]) -> int:
    """Answer how many rows there are."""
    with gateway.db.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0
