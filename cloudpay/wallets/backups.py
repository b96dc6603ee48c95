"""Back a wallet up: all that re-creates it on a machine that has nothing of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay import __version__
from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.secrets import SealKey
from cloudpay.merchants.service import MerchantView, all_merchants
from cloudpay.wallets import vault
from cloudpay.wallets.backup_errors import BackupDamaged, WeakPassphrase
from cloudpay.wallets.models import AccountKeyRow, AddressRangeRow, GasChoiceRow
from cloudpay.wallets.setup import key_families, open_wallet, reveal_words, wallet

LEAST_PASSPHRASE = 12


@dataclass(frozen=True)
class Family:
    """A key family: which networks it has, and the account public keys that were derived, by account."""

    name: str
    coin_type: int
    networks: tuple[str, ...]
    accounts: Mapping[int, str]


@dataclass(frozen=True)
class Branch:
    """How far the addresses of one account were handed out; all below `next_index` may be in use."""

    key_family: str
    account: int
    chain: int
    next_index: int


@dataclass(frozen=True)
class GasChoice:
    """That a merchant's gas station on a network is an address of its own."""

    merchant_id: str
    network: str


@dataclass(frozen=True)
class Contents:
    """Everything that a backup holds. The words are all that is secret, and are not shown."""

    words: str = field(repr=False)
    fingerprint: str
    made_at: datetime
    made_by: str
    families: tuple[Family, ...]
    merchants: tuple[MerchantView, ...]
    branches: tuple[Branch, ...]
    gas_stations: tuple[GasChoice, ...] = ()  # no file of before they could be chosen has any

    @property
    def highest_account(self) -> int | None:
        """The highest account that is some merchant's, or None."""
        return max((each.account_index for each in self.merchants), default=None)


def back_up(gateway: Gateway, seal_key: SealKey, passphrase: str, *, actor: str) -> bytes:
    """Answer the bytes of a backup file; it is opened once more before it is answered. Audited.

    Raises `WalletMissing`, `WrongKey`, `WrongSeed` and `WeakPassphrase`.
    """
    require_strong(passphrase)
    families = key_families(gateway)
    open_wallet(gateway, seal_key, families)  # a seed that is not the one of the addresses is not backed up
    words = reveal_words(gateway, seal_key)
    view = wallet(gateway)
    fingerprint = view.fingerprint if view else ""
    with gateway.db.read() as session:
        contents = Contents(
            words=words,
            fingerprint=fingerprint,
            made_at=gateway.clock.now(session),
            made_by=f"CloudPay {__version__}",
            families=tuple(
                Family(each.name, each.coin_type, _networks(gateway, each.name), _keys(session, each.name))
                for each in families
            ),
            merchants=all_merchants(session),
            branches=tuple(branches(session)),
            gas_stations=tuple(gas_choices(session)),
        )
    data = vault.seal(
        msgspec.json.encode(contents), passphrase, fingerprint=fingerprint, made_at=contents.made_at
    )
    if open_backup(data, passphrase, "The new backup") != contents:
        raise BackupDamaged("The new backup")

    def note(session: Session) -> None:
        details = {"merchants": str(len(contents.merchants))}
        record(session, actor=actor, action="wallet.backed_up", subject=fingerprint, details=details)

    gateway.db.run(note)
    return data


def open_backup(data: bytes, passphrase: str, name: str) -> Contents:
    """Open a backup; raises `BackupDamaged`, `UnknownBackup` and `WrongPassphrase`."""
    plain = vault.unseal(vault.read(data, name), passphrase, name)
    try:
        return msgspec.json.decode(plain, type=Contents)
    except msgspec.DecodeError as error:
        raise BackupDamaged(name) from error


def require_strong(passphrase: str) -> None:
    """Raise `WeakPassphrase` for one that is soon guessed."""
    if len(passphrase) < LEAST_PASSPHRASE:
        raise WeakPassphrase(LEAST_PASSPHRASE)


def gas_choices(session: Session) -> Sequence[GasChoice]:
    """Answer whose gas stations are addresses of their own, and where."""
    row = GasChoiceRow
    rows = session.scalars(select(row).order_by(row.merchant_id, row.network))
    return [GasChoice(each.merchant_id, each.network) for each in rows]


def branches(session: Session) -> Sequence[Branch]:
    """Answer how far every account's addresses were handed out, reserved ones included."""
    rows = session.scalars(
        select(AddressRangeRow).order_by(
            AddressRangeRow.key_family, AddressRangeRow.account, AddressRangeRow.chain
        )
    )
    return [Branch(row.key_family, row.account, row.chain, row.next_index) for row in rows]


def _networks(gateway: Gateway, key_family: str) -> tuple[str, ...]:
    return tuple(network.code for network in gateway.chains if network.key_family.name == key_family)


def _keys(session: Session, key_family: str) -> dict[int, str]:
    rows = session.execute(
        select(AccountKeyRow.account, AccountKeyRow.xpub)
        .where(AccountKeyRow.key_family == key_family)
        .order_by(AccountKeyRow.account)
    )
    return {account: xpub for account, xpub in rows}  # noqa: C416  # rows, not pairs
