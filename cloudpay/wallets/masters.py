"""Master wallets: where a merchant's money is collected and paid out from, one for each key family."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.spending import KeyPath
from cloudpay.chains.types import MASTER_CHAIN
from cloudpay.kernel.among import among
from cloudpay.kernel.db import refuse_inside_transaction
from cloudpay.kernel.upsert import insert_if_absent
from cloudpay.merchants.service import MerchantAccount, merchant_account, merchant_accounts
from cloudpay.wallets.models import AccountKeyRow, MasterWalletRow
from cloudpay.wallets.service import WALLET_INDEX, account_key


@dataclass(frozen=True)
class MasterWallet:
    """A merchant's own address on every network of a key family, and the path of the key that signs for it."""

    merchant_id: str
    livemode: bool
    key_family: str
    address: str
    path: KeyPath


def master_wallet(gateway: Gateway, network: Network, merchant_id: str) -> MasterWallet:
    """Answer a merchant's master wallet; where there is none yet it is made, so that it is watched from now on.

    Raises `UnknownMerchant`, `WalletMissing` and `AccountsExhausted`.
    """
    with gateway.db.read() as session:
        known = find_master(session, network, merchant_id)
        merchant = merchant_account(session, merchant_id)
    if known is not None:
        return known
    refuse_inside_transaction("master_wallet")
    derived = _derive(network, account_key(gateway, network.key_family.name, merchant.index), merchant)
    gateway.db.run(lambda session: _insert(session, [derived], gateway.clock.now(session)))
    return derived


def find_master(session: Session, network: Network, merchant_id: str) -> MasterWallet | None:
    """Answer a merchant's master wallet inside the caller's transaction, or None where none is made yet."""
    row = session.scalar(
        select(MasterWalletRow).where(
            MasterWalletRow.key_family == network.key_family.name, MasterWalletRow.merchant_id == merchant_id
        )
    )
    return None if row is None else _view(row)


def masters(session: Session, key_family: str, addresses: Collection[str]) -> Mapping[str, MasterWallet]:
    """Answer the master wallets among these normalised addresses, by address: one indexed query."""
    if not addresses:
        return {}
    row = MasterWalletRow
    found = select(row).where(row.key_family == key_family, among(session, row.address, addresses))
    return {each.address: _view(each) for each in session.scalars(found)}


def all_masters(session: Session, key_family: str) -> list[MasterWallet]:
    """Answer every master wallet of a key family, in the order of their accounts."""
    row = MasterWalletRow
    rows = session.scalars(select(row).where(row.key_family == key_family).order_by(row.account))
    return [_view(each) for each in rows]


def make_masters(gateway: Gateway) -> int:
    """Make the master wallet of every merchant that has none yet; answer how many were made.

    Where a wallet or a public key is missing there is nothing to make yet, and nothing is raised.
    """
    families = {network.key_family.name: network for network in gateway.chains}
    with gateway.db.read() as session:
        rows = session.execute(select(MasterWalletRow.key_family, MasterWalletRow.account))
        made = {(family, account) for family, account in rows}
        wanted = [
            (network, merchant)
            for family, network in families.items()
            for merchant in merchant_accounts(session)
            if (family, merchant.index) not in made
        ]
        keys = {
            (family, merchant.index): row.xpub
            for family, merchant in ((network.key_family.name, merchant) for network, merchant in wanted)
            if (row := session.get(AccountKeyRow, (family, merchant.index))) is not None
        }
    derived = [
        _derive(network, keys[network.key_family.name, merchant.index], merchant)
        for network, merchant in wanted
        if (network.key_family.name, merchant.index) in keys
    ]
    if not derived:
        return 0
    return gateway.db.run(lambda session: _insert(session, derived, gateway.clock.now(session)))


def _derive(network: Network, xpub: str, merchant: MerchantAccount) -> MasterWallet:
    path = KeyPath(merchant.index, MASTER_CHAIN, WALLET_INDEX)
    address = network.addresses.derive(xpub, path.chain, path.index)
    return MasterWallet(merchant.id, merchant.livemode, network.key_family.name, address, path)


def _insert(session: Session, wallets: Collection[MasterWallet], now: datetime) -> int:
    return sum(
        insert_if_absent(
            session,
            MasterWalletRow,
            {
                "key_family": each.key_family,
                "address": each.address,
                "account": each.path.account,
                "chain": each.path.chain,
                "index": each.path.index,
                "merchant_id": each.merchant_id,
                "livemode": each.livemode,
                "created_at": now,
            },
        )
        for each in wallets
    )


def _view(row: MasterWalletRow) -> MasterWallet:
    path = KeyPath(row.account, row.chain, row.index)
    return MasterWallet(row.merchant_id, row.livemode, row.key_family, row.address, path)
