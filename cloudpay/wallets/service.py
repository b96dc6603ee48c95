"""Addresses of ours, from public keys alone: no process that runs this needs the seal key."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

from sqlalchemy import select, union_all
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import DEPOSIT_CHAIN, GAS_CHAIN, MASTER_CHAIN
from cloudpay.kernel.among import among
from cloudpay.kernel.db import Database, refuse_inside_transaction
from cloudpay.kernel.errors import NotFound
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.inserts import NewRow
from cloudpay.wallets.errors import AccountsExhausted, WalletMissing
from cloudpay.wallets.indexes import give_back, take_index
from cloudpay.wallets.models import (
    MAIN_SEED,
    AccountKeyRow,
    DepositAddressRow,
    GasWalletRow,
    MasterWalletRow,
    SealedSeedRow,
)

WALLET_INDEX = 0
"""Of the one master wallet and the one gas wallet that an account has."""


@dataclass(frozen=True)
class PlannedAddress:
    """An address that was derived and is nobody's yet; a plan that is dropped leaves a gap, nothing else."""

    key_family: str
    account: int
    chain: int
    index: int
    address: str


@dataclass(frozen=True)
class DepositAddress:
    """An address that belongs to one invoice, on every network of its key family."""

    id: str
    key_family: str
    address: str
    account: int
    chain: int
    index: int
    merchant_id: str
    invoice_id: str
    livemode: bool
    created_at: datetime


def plan_deposit(gateway: Gateway, network: Network, account: int) -> PlannedAddress:
    """Derive a fresh deposit address of a merchant's account; call it before the transaction that inserts it.

    Raises `AccountsExhausted` and `WalletMissing`.
    """
    refuse_inside_transaction("plan_deposit")
    family = network.key_family.name
    xpub = account_key(gateway, family, account)
    index = take_index(gateway.db, family, account, DEPOSIT_CHAIN)
    address = network.addresses.derive(xpub, DEPOSIT_CHAIN, index)
    return PlannedAddress(family, account, DEPOSIT_CHAIN, index, address)


def drop_plan(gateway: Gateway, planned: PlannedAddress) -> None:
    """Let a planned address be planned again: only one that nobody was told and that no statement ever had."""
    give_back(gateway.db, planned.key_family, planned.account, planned.chain, planned.index)


def assign(
    planned: PlannedAddress, merchant_id: str, invoice_id: str, *, livemode: bool, now: datetime
) -> DepositAddress:
    """Answer the deposit address that a planned one becomes once its `deposit_row` is inserted."""
    return DepositAddress(
        id=new_id("dep_"),
        key_family=planned.key_family,
        address=planned.address,
        account=planned.account,
        chain=planned.chain,
        index=planned.index,
        merchant_id=merchant_id,
        invoice_id=invoice_id,
        livemode=livemode,
        created_at=now,
    )


def deposit_row(deposit: DepositAddress) -> NewRow:
    """Answer the row of a new deposit address; its constraints refuse one that was given away before."""
    return DepositAddressRow, vars(deposit)


def ours(session: Session, key_family: str, addresses: Collection[str]) -> frozenset[str]:
    """Answer which of these normalised addresses are any of ours: one indexed query."""
    if not addresses:
        return frozenset()
    found = (
        select(row.address).where(row.key_family == key_family, among(session, row.address, addresses))
        for row in (DepositAddressRow, MasterWalletRow, GasWalletRow)
    )
    return frozenset(session.scalars(union_all(*found)))


def deposits(session: Session, key_family: str, addresses: Collection[str]) -> Mapping[str, DepositAddress]:
    """Answer the deposit addresses among these, by address."""
    if not addresses:
        return {}
    row = DepositAddressRow
    found = select(row).where(row.key_family == key_family, among(session, row.address, addresses))
    return {each.address: _view(each) for each in session.scalars(found)}


def deposit(session: Session, deposit_address_id: str) -> DepositAddress:
    """Answer a deposit address by its id; raises `NotFound`."""
    row = session.get(DepositAddressRow, deposit_address_id)
    if row is None:
        raise NotFound(f"There is no deposit address {deposit_address_id!r}.")
    return _view(row)


def master_address(gateway: Gateway, network: Network, account: int) -> str:
    """Answer the address that a merchant's money is collected in; raises `AccountsExhausted` and `WalletMissing`."""
    xpub = account_key(gateway, network.key_family.name, account)
    return network.addresses.derive(xpub, MASTER_CHAIN, WALLET_INDEX)


def is_wallet(session: Session, network: Network, account: int, address: str) -> bool:
    """Say whether an address is the master wallet or the gas wallet of an account, whoever has asked for it yet."""
    return any(
        wallet_address(session, network, account, chain) == address for chain in (MASTER_CHAIN, GAS_CHAIN)
    )


def wallet_address(session: Session, network: Network, account: int, chain: int) -> str | None:
    """Answer an account's master wallet or gas wallet, by its chain; None where its public key is not derived yet."""
    key = session.get(AccountKeyRow, (network.key_family.name, account))
    if key is None:
        return None
    known = (network.code, key.xpub, chain)
    if known not in _wallets:
        _wallets[known] = network.addresses.derive(key.xpub, chain, WALLET_INDEX)
    return _wallets[known]


_wallets: dict[tuple[str, str, int], str] = {}
_account_keys: WeakKeyDictionary[Database, dict[tuple[str, int], str]] = WeakKeyDictionary()


def account_key(gateway: Gateway, key_family: str, account: int) -> str:
    """Answer an account's public key, read once per process: it never changes.

    Raises `AccountsExhausted` and `WalletMissing`.
    """
    known = _account_keys.setdefault(gateway.db, {})
    if (key_family, account) not in known:
        with gateway.db.read() as session:
            row = session.get(AccountKeyRow, (key_family, account))
            if row is None and session.get(SealedSeedRow, MAIN_SEED) is None:
                raise WalletMissing
        if row is None:
            raise AccountsExhausted(key_family, account)
        known[key_family, account] = row.xpub
    return known[key_family, account]


def _view(row: DepositAddressRow) -> DepositAddress:
    return DepositAddress(
        row.id,
        row.key_family,
        row.address,
        row.account,
        row.chain,
        row.index,
        row.merchant_id,
        row.invoice_id,
        row.livemode,
        row.created_at,
    )
