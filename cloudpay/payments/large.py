"""What is large: an invoice is judged by all that it has received, so that paying in parts passes no limit by."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.chains.network import Network
from cloudpay.kernel.among import among
from cloudpay.payments.models import PaymentRow
from cloudpay.payments.states import PaymentStatus

Received = Mapping[tuple[str, str], int]
"""Base units by address and asset."""


def is_large(network: Network, key: str, amount: int) -> bool:
    """Say whether an amount of an asset is one that waits for more blocks and a second node."""
    asset = network.asset_of(key)
    return asset is not None and asset.large_amount is not None and amount >= asset.large_amount


def received(session: Session, network: Network, addresses: Collection[str]) -> Received:
    """Answer what has come to deposit addresses and stands, credited or not, of the assets that may be large.

    One question by index, whatever their number; none where nothing is large.
    """
    sums = defaultdict[tuple[str, str], int](int)
    keys = [asset.key for asset in network.assets if asset.large_amount is not None]
    if not keys or not addresses:
        return sums
    row = PaymentRow
    found = select(row.address, row.asset, row.amount).where(
        row.network == network.code,
        among(session, row.address, addresses),
        row.asset.in_(keys),
        row.status != PaymentStatus.ORPHANED,
    )
    for address, asset, amount in session.execute(found):
        sums[address, asset] += amount
    return sums
