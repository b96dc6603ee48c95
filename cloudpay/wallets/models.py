"""Rows of the wallets: the sealed seed, account public keys, handed-out indexes, and every address that is watched."""

from datetime import datetime

from sqlalchemy import LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cloudpay.kernel.columns import Moment
from cloudpay.kernel.db import Base

MAIN_SEED = "main"


class SealedSeedRow(Base):
    """The BIP-39 words, sealed; one row, since its name is the primary key."""

    __tablename__ = "sealed_seeds"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    fingerprint: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(Moment)


class AccountKeyRow(Base):
    """The extended public key of m/44'/coin'/account' for one key family."""

    __tablename__ = "account_keys"

    key_family: Mapped[str] = mapped_column(String(40), primary_key=True)
    account: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    xpub: Mapped[str] = mapped_column(String(120))


class AddressRangeRow(Base):
    """The next address index that no process has reserved yet."""

    __tablename__ = "address_ranges"

    key_family: Mapped[str] = mapped_column(String(40), primary_key=True)
    account: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    chain: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    next_index: Mapped[int]


class DepositAddressRow(Base):
    """An address that belongs to one invoice alone, on every network of its key family."""

    __tablename__ = "deposit_addresses"
    __table_args__ = (
        UniqueConstraint("key_family", "address"),
        UniqueConstraint("key_family", "account", "chain", "index"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    key_family: Mapped[str] = mapped_column(String(40))
    address: Mapped[str] = mapped_column(String(120))
    account: Mapped[int]
    chain: Mapped[int]
    index: Mapped[int]
    merchant_id: Mapped[str] = mapped_column(String(40), index=True)
    invoice_id: Mapped[str] = mapped_column(String(40), index=True)
    livemode: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(Moment)


class MasterWalletRow(Base):
    """A merchant's own address, where its money is collected and paid out from, on every network of its key family."""

    __tablename__ = "master_wallets"
    __table_args__ = (
        UniqueConstraint("key_family", "account", "chain", "index"),
        UniqueConstraint("merchant_id", "key_family"),
    )

    key_family: Mapped[str] = mapped_column(String(40), primary_key=True)
    address: Mapped[str] = mapped_column(String(120), primary_key=True)
    account: Mapped[int]
    chain: Mapped[int]
    index: Mapped[int]
    merchant_id: Mapped[str] = mapped_column(String(40))
    livemode: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(Moment)


class GasWalletRow(Base):
    """A merchant's own address for native coins that top up others; once it is there it is watched for ever."""

    __tablename__ = "gas_wallets"
    __table_args__ = (
        UniqueConstraint("key_family", "account", "chain", "index"),
        UniqueConstraint("merchant_id", "key_family"),
    )

    key_family: Mapped[str] = mapped_column(String(40), primary_key=True)
    address: Mapped[str] = mapped_column(String(120), primary_key=True)
    account: Mapped[int]
    chain: Mapped[int]
    index: Mapped[int]
    merchant_id: Mapped[str] = mapped_column(String(40))
    livemode: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(Moment)


class GasChoiceRow(Base):
    """That a merchant's gas station on a network is its gas wallet; without such a row it is the master wallet."""

    __tablename__ = "gas_choices"

    merchant_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    network: Mapped[str] = mapped_column(String(40), primary_key=True)
    since: Mapped[datetime] = mapped_column(Moment)
