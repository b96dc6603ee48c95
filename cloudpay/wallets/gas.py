"""Gas stations: which address fuels a merchant's deposit addresses, and the gas wallets that do nothing else.

A gas wallet is one more address of the merchant's account, on a chain of its own. It is made when it is first asked
for, and is watched from then on, whether it fuels anything or not.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.spending import KeyPath
from cloudpay.chains.types import DEPOSIT_CHAIN, GAS_CHAIN, MASTER_CHAIN
from cloudpay.kernel.among import among
from cloudpay.kernel.upsert import insert_if_absent
from cloudpay.ledger.pots import Place
from cloudpay.ledger.types import AccountKind
from cloudpay.merchants.service import MerchantAccount, merchant_accounts
from cloudpay.wallets.errors import AccountsExhausted
from cloudpay.wallets.masters import MasterWallet, all_masters, masters
from cloudpay.wallets.models import AccountKeyRow, GasChoiceRow, GasWalletRow
from cloudpay.wallets.service import WALLET_INDEX, wallet_address

PURSES: Mapping[int, AccountKind] = {MASTER_CHAIN: AccountKind.MASTER, GAS_CHAIN: AccountKind.GAS}
"""The account that pays for what is sent from an address, by the chain of its key: amount and fee."""

PLACES: Mapping[int, Place] = {
    DEPOSIT_CHAIN: Place.DEPOSITS,
    MASTER_CHAIN: Place.MASTER,
    GAS_CHAIN: Place.GAS_STATION,
}


@dataclass(frozen=True)
class GasWallet:
    """A merchant's own address for top-ups, on every network of a key family, and the path of the key that signs."""

    merchant_id: str
    livemode: bool
    key_family: str
    address: str
    path: KeyPath


@dataclass(frozen=True)
class GasStation:
    """The address that fuels a merchant's deposit addresses on one network, and the path of its key."""

    address: str
    path: KeyPath

    @property
    def purse(self) -> AccountKind:
        """The account that its top-ups and their fees are paid from."""
        return PURSES[self.path.chain]

    @property
    def own(self) -> bool:
        """Say whether it is an address of its own, and not the master wallet."""
        return self.path.chain == GAS_CHAIN


Wallet = MasterWallet | GasWallet
"""An address of a merchant that belongs to no invoice."""


def gas_station(session: Session, network: Network, merchant_id: str, account: int) -> GasStation:
    """Answer which address fuels a merchant's deposit addresses on a network: nothing else decides it.

    Raises `AccountsExhausted`.
    """
    own = session.get(GasChoiceRow, (merchant_id, network.code)) is not None
    path = KeyPath(account, GAS_CHAIN if own else MASTER_CHAIN, WALLET_INDEX)
    return GasStation(_address(session, network, path), path)


def wallets(session: Session, key_family: str, addresses: Collection[str]) -> Mapping[str, Wallet]:
    """Answer the master wallets and gas wallets among these normalised addresses, by address."""
    if not addresses:
        return {}
    row = GasWalletRow
    found = select(row).where(row.key_family == key_family, among(session, row.address, addresses))
    gas = {each.address: _view(each) for each in session.scalars(found)}
    return {**masters(session, key_family, addresses), **gas}


def all_wallets(session: Session, key_family: str) -> list[Wallet]:
    """Answer every master wallet and every gas wallet of a key family."""
    return [*all_masters(session, key_family), *all_gas_wallets(session, key_family)]


def all_gas_wallets(session: Session, key_family: str) -> list[GasWallet]:
    """Answer every gas wallet of a key family, in the order of their accounts."""
    row = GasWalletRow
    rows = session.scalars(select(row).where(row.key_family == key_family).order_by(row.account))
    return [_view(each) for each in rows]


def find_gas_wallet(session: Session, network: Network, merchant_id: str) -> GasWallet | None:
    """Answer a merchant's gas wallet, or None where it has never had one."""
    row = GasWalletRow
    mine = (row.key_family == network.key_family.name, row.merchant_id == merchant_id)
    found = session.scalar(select(row).where(*mine))
    return None if found is None else _view(found)


def put_gas_wallet(session: Session, wallet: GasWallet, now: datetime) -> None:
    """Have a gas wallet be watched from the caller's commit on; one that is there already stays."""
    fresh = {
        "key_family": wallet.key_family,
        "address": wallet.address,
        "account": wallet.path.account,
        "chain": wallet.path.chain,
        "index": wallet.path.index,
        "merchant_id": wallet.merchant_id,
        "livemode": wallet.livemode,
        "created_at": now,
    }
    insert_if_absent(session, GasWalletRow, fresh)


def make_gas_wallets(session: Session, gateway: Gateway) -> None:
    """Make the gas wallet of every merchant: after a restore nobody knows who had one."""
    now = gateway.clock.now(session)
    for network in {each.key_family.name: each for each in gateway.chains}.values():
        for merchant in merchant_accounts(session):
            if session.get(AccountKeyRow, (network.key_family.name, merchant.index)) is None:
                continue
            put_gas_wallet(session, derive_gas_wallet(session, network, merchant), now)


def derive_gas_wallet(session: Session, network: Network, merchant: MerchantAccount) -> GasWallet:
    """Answer the gas wallet that a merchant has or may have; raises `AccountsExhausted`."""
    path = KeyPath(merchant.index, GAS_CHAIN, WALLET_INDEX)
    address = _address(session, network, path)
    return GasWallet(merchant.id, merchant.livemode, network.key_family.name, address, path)


def _address(session: Session, network: Network, path: KeyPath) -> str:
    address = wallet_address(session, network, path.account, path.chain)
    if address is None:
        raise AccountsExhausted(network.key_family.name, path.account)
    return address


def _view(row: GasWalletRow) -> GasWallet:
    path = KeyPath(row.account, row.chain, row.index)
    return GasWallet(row.merchant_id, row.livemode, row.key_family, row.address, path)
