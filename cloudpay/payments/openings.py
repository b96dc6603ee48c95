"""What lies at a restored wallet's addresses, and the books that begin with it: the block that a network is opened at.

A database that knows no payment cannot tell what came before it. So all that lies there at one final block is booked as
one payment for each address and asset, and reading goes on behind that block.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from sqlalchemy import BigInteger, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from cloudpay.chains.adapter import ChainAdapter
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import Header, Holding, TransferSource
from cloudpay.kernel.db import Base
from cloudpay.kernel.errors import Conflict
from cloudpay.kernel.upsert import insert_if_absent
from cloudpay.ledger.outgoing import Funding, post_funding
from cloudpay.payments import blocks
from cloudpay.payments.credit import credit
from cloudpay.payments.models import NetworkRow, OutsideTransferRow, PaymentRow
from cloudpay.payments.networks import network_row
from cloudpay.payments.rows import new_payment
from cloudpay.payments.states import PaymentStatus
from cloudpay.payments.views import BALANCE_PREFIX
from cloudpay.wallets.gas import PURSES, Wallet, all_wallets
from cloudpay.wallets.lying import lying_at
from cloudpay.wallets.models import DepositAddressRow
from cloudpay.wallets.service import DepositAddress, deposits


class OpeningRow(Base):
    """A network whose books begin with what lies there; no block while that is still to be looked at."""

    __tablename__ = "openings"

    network: Mapped[str] = mapped_column(String(40), primary_key=True)
    block_height: Mapped[int | None] = mapped_column(BigInteger)
    block_hash: Mapped[str | None] = mapped_column(String(100))


class WatchedMeanwhile(Conflict):
    """Payments were booked on a network before its restored wallet was opened: they would count twice."""

    code: ClassVar[str] = "watched_meanwhile"

    def __init__(self, network: str) -> None:
        super().__init__(
            f"The gateway has booked payments on {network} before its restore was complete. Restore once more into an "
            "empty database, and start nothing before `cloudpay wallet restore` says that it is done."
        )


@dataclass(frozen=True)
class Found:
    """What lies at addresses of ours on one network at a final block, in base units; nothing of what is empty."""

    network: Network
    at: Header
    amounts: Mapping[Holding, int]


def mark_openings(session: Session, gateway: Gateway, *, all_networks: bool) -> None:
    """Have networks be opened that were never read here, or `all_networks`: no wallet was watched on them yet."""
    for network in gateway.chains:
        row = session.get(NetworkRow, network.code)
        if all_networks or row is None or row.cursor_hash is None:
            insert_if_absent(session, OpeningRow, {"network": network.code}, "network")


def look(gateway: Gateway, network: Network) -> Found:
    """Ask a network for everything that lies at addresses of ours, at its final block; raises `NodeUnavailable`."""
    adapter = gateway.chains.adapter(network.code)
    with gateway.db.read() as session:
        family = network.key_family.name
        held = select(DepositAddressRow.address).where(DepositAddressRow.key_family == family)
        addresses = [*session.scalars(held.order_by(DepositAddressRow.id))]
        addresses += [each.address for each in all_wallets(session, family)]
    at = _final(adapter)
    holdings = [Holding(address, asset.contract) for address in addresses for asset in network.assets]
    lying = lying_at(gateway, network.code, holdings, at.ref, lambda _part, _whole: None)
    return Found(network, at, {each: units for each, units in lying.items() if units > 0})


def open_network(session: Session, gateway: Gateway, found: Found) -> bool:
    """Book what was found and have reading begin behind it, where that is still to be done; answer whether it was.

    Raises `WatchedMeanwhile`.
    """
    code = found.network.code
    opening = session.get(OpeningRow, code)
    if opening is None or opening.block_height is not None:
        return False
    row = network_row(session, code)
    if _has_books(session, code):
        raise WatchedMeanwhile(code)
    blocks.forget_above(session, code, -1)
    blocks.keep(session, code, [found.at])
    row.cursor_height, row.cursor_hash = found.at.height, found.at.hash
    row.reread_height = found.at.height  # a second reading of that block would bring what is booked here
    opening.block_height, opening.block_hash = found.at.height, found.at.hash
    _book(session, gateway, found)
    return True


def opened_at(session: Session, network: str) -> int | None:
    """Answer the height at which a network's books begin, or None where they begin with nothing."""
    return session.scalar(select(OpeningRow.block_height).where(OpeningRow.network == network))


def _final(adapter: ChainAdapter) -> Header:
    """Answer the final block of a node that is what it should be; raises what is wrong with it."""
    adapter.verify()
    return adapter.header_at(adapter.head().final.height)


def _has_books(session: Session, network: str) -> bool:
    counts = (
        session.scalar(select(func.count()).select_from(row).where(row.network == network))
        for row in (PaymentRow, OutsideTransferRow)
    )
    return any(counts)


def _book(session: Session, gateway: Gateway, found: Found) -> None:
    family, now = found.network.key_family.name, gateway.clock.now(session)
    wallets = {each.address: each for each in all_wallets(session, family)}
    known = deposits(session, family, {each.address for each in found.amounts} - wallets.keys())
    for holding, amount in found.amounts.items():
        if holding.address in wallets:
            post_funding(session, _funding(found, wallets[holding.address], holding, amount), now)
        else:
            _pay(session, gateway, found, known[holding.address], holding, amount)


def _pay(
    session: Session, gateway: Gateway, found: Found, deposit: DepositAddress, holding: Holding, amount: int
) -> None:
    row = new_payment(session, gateway, found.network, deposit)
    row.asset, row.amount, row.ordinal = holding.contract or "", amount, 0
    row.sender, row.source = None, TransferSource.BALANCE.value
    row.tx_id, row.status = f"{BALANCE_PREFIX}{found.at.hash}", PaymentStatus.CONFIRMING
    row.block_height, row.block_hash = found.at.height, found.at.hash
    row.block_time = datetime.fromtimestamp(found.at.time, UTC)
    session.add(row)
    session.flush()
    credit(session, gateway, row)


def _funding(found: Found, wallet: Wallet, holding: Holding, amount: int) -> Funding:
    return Funding(
        network=found.network.code,
        tx_id=f"{BALANCE_PREFIX}{found.at.hash}",
        address=wallet.address,
        asset=holding.contract or "",
        ordinal=0,
        merchant_id=wallet.merchant_id,
        livemode=wallet.livemode,
        amount=amount,
        purse=PURSES[wallet.path.chain],
    )
