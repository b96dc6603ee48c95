"""What the watcher keeps: a row per network, the recent blocks, the payments."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from cloudpay.kernel.columns import BaseUnits, Moment
from cloudpay.kernel.db import Base


class NetworkRow(Base):
    """How far one network has been read, and whether it may be trusted now.

    `untraced_at` is when a block was last read without traces, until all watched balances have been looked at since.
    """

    __tablename__ = "networks"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    status: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text, default="")
    cursor_height: Mapped[int | None] = mapped_column(BigInteger)
    cursor_hash: Mapped[str | None] = mapped_column(String(100))
    head_height: Mapped[int | None] = mapped_column(BigInteger)
    head_moved_at: Mapped[datetime | None] = mapped_column(Moment)
    final_height: Mapped[int | None] = mapped_column(BigInteger)
    finality: Mapped[str | None] = mapped_column(String(10))
    node: Mapped[str | None] = mapped_column(String(300))
    answered_at: Mapped[datetime | None] = mapped_column(Moment)
    polled_at: Mapped[datetime | None] = mapped_column(Moment)
    genesis_hash: Mapped[str | None] = mapped_column(String(100))
    final_moved_at: Mapped[datetime | None] = mapped_column(Moment)
    reread_height: Mapped[int | None] = mapped_column(BigInteger)
    catch_up_from: Mapped[int | None] = mapped_column(BigInteger)
    catch_up_to: Mapped[int | None] = mapped_column(BigInteger)
    catch_up_done_at: Mapped[datetime | None] = mapped_column(Moment)
    untraced_at: Mapped[datetime | None] = mapped_column(Moment)


class NodeRow(Base):
    """How one node was doing when its watcher last wrote it down; `down_since`: since when it has been of no use."""

    __tablename__ = "network_nodes"

    network: Mapped[str] = mapped_column(String(40), primary_key=True)
    node: Mapped[str] = mapped_column(String(300), primary_key=True)
    state: Mapped[str] = mapped_column(String(20))
    score: Mapped[int]
    failures: Mapped[int]
    last_error: Mapped[str | None] = mapped_column(Text)
    rests_until: Mapped[datetime | None] = mapped_column(Moment)
    height: Mapped[int | None] = mapped_column(BigInteger)
    latency_ms: Mapped[int | None]
    calls: Mapped[int] = mapped_column(BigInteger)
    seen_at: Mapped[datetime] = mapped_column(Moment)
    down_since: Mapped[datetime | None] = mapped_column(Moment)


class BlockRow(Base):
    """A block that was read, and the node that told it; its hash is what a payment's fate hangs on."""

    __tablename__ = "blocks"

    network: Mapped[str] = mapped_column(String(40), primary_key=True)
    height: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(String(100))
    parent: Mapped[str] = mapped_column(String(100))
    time: Mapped[int] = mapped_column(BigInteger)
    node: Mapped[str | None] = mapped_column(String(300))


class PaymentRow(Base):
    """One incoming transfer; its identity survives a reorganisation, its block does not."""

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("network", "tx_id", "address", "asset", "ordinal"),
        Index("ix_payments_network_status_height", "network", "status", "block_height"),
        Index("ix_payments_invoice_id", "invoice_id"),
        Index("ix_payments_network_address", "network", "address"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    merchant_id: Mapped[str] = mapped_column(String(40))
    livemode: Mapped[bool]
    invoice_id: Mapped[str] = mapped_column(String(40))
    deposit_address_id: Mapped[str] = mapped_column(ForeignKey("deposit_addresses.id"))
    network: Mapped[str] = mapped_column(String(40))
    asset: Mapped[str] = mapped_column(String(100))
    tx_id: Mapped[str] = mapped_column(String(120))
    ordinal: Mapped[int]
    address: Mapped[str] = mapped_column(String(120))
    sender: Mapped[str | None] = mapped_column(String(120))
    source: Mapped[str] = mapped_column(String(10))
    amount: Mapped[int] = mapped_column(BaseUnits)
    status: Mapped[str] = mapped_column(String(20))
    block_height: Mapped[int] = mapped_column(BigInteger)
    block_hash: Mapped[str] = mapped_column(String(100))
    block_time: Mapped[datetime] = mapped_column(Moment)
    first_seen_at: Mapped[datetime] = mapped_column(Moment)
    final_at: Mapped[datetime | None] = mapped_column(Moment)
    credits: Mapped[int] = mapped_column(default=0)


class OutsideTransferRow(Base):
    """Money that reached a wallet of a merchant from outside, or left an address of ours by what we did not sign.

    `at_deposit` where that address is a deposit address; what comes there is no payment when the merchant sent it.
    `at_gas_wallet` where it is a gas wallet; else it is the master wallet.
    """

    __tablename__ = "outside_transfers"
    __table_args__ = (
        UniqueConstraint("network", "tx_id", "address", "asset", "leaves", "ordinal"),
        Index("ix_outside_transfers_network_status_height", "network", "status", "block_height"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    merchant_id: Mapped[str] = mapped_column(String(40))
    livemode: Mapped[bool]
    network: Mapped[str] = mapped_column(String(40))
    tx_id: Mapped[str] = mapped_column(String(120))
    address: Mapped[str] = mapped_column(String(120))
    at_deposit: Mapped[bool]
    at_gas_wallet: Mapped[bool] = mapped_column(default=False, server_default=false())
    asset: Mapped[str] = mapped_column(String(100))
    ordinal: Mapped[int]
    leaves: Mapped[bool]
    counterparty: Mapped[str | None] = mapped_column(String(120))
    source: Mapped[str] = mapped_column(String(10))
    amount: Mapped[int] = mapped_column(BaseUnits)
    status: Mapped[str] = mapped_column(String(20))
    block_height: Mapped[int] = mapped_column(BigInteger)
    block_hash: Mapped[str] = mapped_column(String(100))
    first_seen_at: Mapped[datetime] = mapped_column(Moment)
    final_at: Mapped[datetime | None] = mapped_column(Moment)
    credits: Mapped[int] = mapped_column(default=0)


_FAILING = text("failing_since IS NOT NULL")


class NativeWatchRow(Base):
    """A deposit address that expects native coins, for networks whose nodes do not show what contracts send.

    `failing_since`: since when what looks found there cannot be written down.
    """

    __tablename__ = "native_watches"
    __table_args__ = (
        Index("ix_native_watches_network_look_at", "network", "look_at"),
        Index("ix_native_watches_network_owed_at", "network", "owed_at"),
        Index("ix_native_watches_failing", "network", sqlite_where=_FAILING, postgresql_where=_FAILING),
    )

    deposit_address_id: Mapped[str] = mapped_column(ForeignKey("deposit_addresses.id"), primary_key=True)
    network: Mapped[str] = mapped_column(String(40), primary_key=True)
    address: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    look_at: Mapped[datetime] = mapped_column(Moment)
    owed_at: Mapped[datetime | None] = mapped_column(Moment)
    failing_since: Mapped[datetime | None] = mapped_column(Moment)
