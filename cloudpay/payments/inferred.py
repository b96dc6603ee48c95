"""Native money that a contract sent, on networks whose nodes do not show it: inferred from a balance at a block.

Such a payment is identified by (network, block, address). When a trace shows the transfer later, the trace takes its
place; it never adds to it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cloudpay.chains.adapter import ChainAdapter
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import Capability, Header, Holding, TransferSource
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.leases import Lease, fence
from cloudpay.outbox.service import append
from cloudpay.payments.models import NativeWatchRow, NetworkRow, PaymentRow
from cloudpay.payments.states import PaymentStatus
from cloudpay.payments.views import BALANCE_PREFIX
from cloudpay.wallets.service import DepositAddress, deposits

BUDGET = 200
"""Addresses whose balance is asked in one poll, the longest unasked first."""


def expect_native(
    session: Session, gateway: Gateway, network: Network, deposit: DepositAddress, until: datetime
) -> None:
    """Have the balance of a new deposit address looked at until a moment, where traces are not to be had."""
    now = gateway.clock.now(session)
    session.add(
        NativeWatchRow(
            deposit_address_id=deposit.id,
            network=network.code,
            address=deposit.address,
            until=until,
            checked_at=now,
        )
    )


def infer_payments(
    gateway: Gateway, network: Network, adapter: ChainAdapter, lease: Lease, at: Header
) -> None:
    """Compare some watched balances at a block with what is known, and record the differences as payments."""
    if Capability.TRACES in adapter.capabilities:
        return
    with gateway.db.read() as session:
        now = gateway.clock.now(session)
        watched = session.scalars(
            select(NativeWatchRow.address)
            .where(NativeWatchRow.network == network.code, NativeWatchRow.until >= now)
            .order_by(NativeWatchRow.checked_at)
            .limit(BUDGET)
        ).all()
    if not watched:
        return
    balances = adapter.balances([Holding(address, None) for address in watched], at.ref)
    found = {holding.address: amount for holding, amount in balances.items()}

    def work(session: Session) -> None:
        fence(session, lease)
        row = session.get_one(NetworkRow, network.code)
        if row.cursor_hash == at.hash:  # a reorganisation in between makes these balances another chain's
            _record(session, gateway, network, at, watched, found)

    gateway.db.run(work)


def _record(
    session: Session,
    gateway: Gateway,
    network: Network,
    at: Header,
    watched: Sequence[str],
    found: dict[str, int],
) -> None:
    known = deposits(session, network.key_family.name, watched)
    for address, deposit in known.items():
        surplus = found.get(address, 0) - _received(session, network.code, address)
        if surplus > 0:
            row = _inferred(gateway, session, network, at, deposit, surplus)
            session.add(row)
            session.flush()
            append(
                session,
                gateway.clock,
                "payment.changed",
                row.id,
                {"invoice_id": row.invoice_id, "status": row.status},
            )
    session.execute(
        update(NativeWatchRow)
        .where(NativeWatchRow.network == network.code, NativeWatchRow.address.in_(watched))
        .values(checked_at=gateway.clock.now(session))
    )


def _received(session: Session, network: str, address: str) -> int:
    rows = session.scalars(
        select(PaymentRow.amount).where(
            PaymentRow.network == network,
            PaymentRow.address == address,
            PaymentRow.asset == "",
            PaymentRow.status != PaymentStatus.ORPHANED,
        )
    )
    return sum(rows)


def _inferred(
    gateway: Gateway, session: Session, network: Network, at: Header, deposit: DepositAddress, amount: int
) -> PaymentRow:
    return PaymentRow(
        id=new_id("pay_"),
        merchant_id=deposit.merchant_id,
        livemode=deposit.livemode,
        invoice_id=deposit.invoice_id,
        deposit_address_id=deposit.id,
        network=network.code,
        asset="",
        tx_id=f"{BALANCE_PREFIX}{at.hash}",
        ordinal=0,
        address=deposit.address,
        sender=None,
        source=TransferSource.BALANCE.value,
        amount=amount,
        status=PaymentStatus.CONFIRMING,
        block_height=at.height,
        block_hash=at.hash,
        block_time=datetime.fromtimestamp(at.time, UTC),
        first_seen_at=gateway.clock.now(session),
        credits=0,
    )


def take_from_inferred(session: Session, traced: PaymentRow) -> bool:
    """Let a traced transfer take the place of (a part of) a payment that was inferred at its block or later.

    Answer False when there is none that it explains. The state and credits of the inferred payment go over with the
    amount, so that nothing is credited twice.
    """
    candidates = session.scalars(
        select(PaymentRow)
        .where(
            PaymentRow.network == traced.network,
            PaymentRow.address == traced.address,
            PaymentRow.asset == traced.asset,
            PaymentRow.source == TransferSource.BALANCE.value,
            PaymentRow.status != PaymentStatus.ORPHANED,
            PaymentRow.block_height >= traced.block_height,
        )
        .order_by(PaymentRow.block_height)
    )
    row = next((each for each in candidates if each.amount >= traced.amount), None)
    if row is None:
        return False
    if row.amount == traced.amount:
        row.tx_id, row.ordinal, row.sender, row.source = (
            traced.tx_id,
            traced.ordinal,
            traced.sender,
            traced.source,
        )
        row.block_height, row.block_hash, row.block_time = (
            traced.block_height,
            traced.block_hash,
            traced.block_time,
        )
        traced.id = row.id
        return True
    row.amount -= traced.amount
    traced.status, traced.final_at, traced.credits = row.status, row.final_at, row.credits
    session.add(traced)
    session.flush()
    return True
