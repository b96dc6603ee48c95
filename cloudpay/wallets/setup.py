"""Make the wallet, and derive account public keys ahead: what needs the seal key, and runs where it lies."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.types import KeyFamily
from cloudpay.kernel.errors import ConfigurationError
from cloudpay.kernel.secrets import SealKey
from cloudpay.kernel.upsert import insert_if_absent
from cloudpay.wallets.errors import WalletExists, WalletMissing, WrongSeed
from cloudpay.wallets.models import MAIN_SEED, AccountKeyRow, SealedSeedRow
from cloudpay.wallets.seed import check_words, make_words, open_words, seal_words
from cloudpay.wallets.signer import MasterKey

ACCOUNTS = 256


@dataclass(frozen=True)
class WalletView:
    """The wallet as everybody may see it; `accounts` counts the public keys at hand by key family."""

    fingerprint: str
    created_at: datetime
    accounts: Mapping[str, int]


def key_families(gateway: Gateway) -> tuple[KeyFamily, ...]:
    """Answer the key families of the configured networks; raises when one name means two coin types."""
    found: dict[str, KeyFamily] = {}
    for network in gateway.chains:
        first = found.setdefault(network.key_family.name, network.key_family)
        if first != network.key_family:
            raise ConfigurationError(
                f"The plugins disagree on key family {first.name!r}: coin types {first.coin_type} and "
                f"{network.key_family.coin_type}. Mend or remove the plugin of {network.code}."
            )
    return tuple(found[name] for name in sorted(found))


def init_wallet(
    gateway: Gateway, seal_key: SealKey, *, mnemonic: str | None = None, accounts: int = ACCOUNTS, actor: str
) -> str:
    """Make (or import) the seed, seal it, derive account public keys; answer the words, to be shown once.

    Raises `WalletExists` and `InvalidMnemonic`.
    """
    words = make_words() if mnemonic is None else check_words(mnemonic)
    existing = wallet(gateway)
    if existing is not None:
        raise WalletExists(existing.fingerprint)
    master = MasterKey.from_words(words)
    sealed = seal_words(seal_key, words)
    keys = {family.name: account_keys(master, family, range(accounts)) for family in key_families(gateway)}

    def work(session: Session) -> None:
        row = {"name": MAIN_SEED, "sealed": sealed, "fingerprint": master.fingerprint}
        now = gateway.clock.now(session)
        if not insert_if_absent(session, SealedSeedRow, {**row, "created_at": now}, "name"):
            found = session.get_one(SealedSeedRow, MAIN_SEED)
            if found.sealed == sealed:  # done again: the commit was made, and its acknowledgement lost
                return
            raise WalletExists(found.fingerprint)
        for family, derived in keys.items():
            _insert_keys(session, family, derived)
        details = {"origin": "made" if mnemonic is None else "imported", "key_families": ", ".join(keys)}
        record(session, actor=actor, action="wallet.init", subject=master.fingerprint, details=details)

    gateway.db.run(work)
    return words


def derive_accounts(
    gateway: Gateway,
    seal_key: SealKey,
    *,
    families: Collection[KeyFamily] | None = None,
    upto: int = ACCOUNTS,
    actor: str,
) -> Mapping[str, int]:
    """Derive what is missing of the accounts below `upto`, also for a key family that was added later.

    Answers how many keys were added by key family. Raises `WalletMissing`, `WrongKey` and `WrongSeed`.
    """
    wanted = key_families(gateway) if families is None else families
    master = open_wallet(gateway, seal_key, wanted)
    missing: dict[str, dict[int, str]] = {}
    with gateway.db.read() as session:
        known = {family.name: _known(session, family.name) for family in wanted}
    for family in wanted:
        start = next((n for n in range(upto) if n not in known[family.name]), upto)
        derived = account_keys(master, family, range(start, upto))
        missing[family.name] = {n: key for n, key in derived.items() if n not in known[family.name]}

    def work(session: Session) -> Mapping[str, int]:
        added = {name: _insert_keys(session, name, keys) for name, keys in missing.items()}
        details = {name: str(count) for name, count in added.items() if count}
        if details:
            record(
                session, actor=actor, action="wallet.accounts", subject=master.fingerprint, details=details
            )
        return added

    return gateway.db.run(work)


def wallet(gateway: Gateway) -> WalletView | None:
    """Answer the wallet's public side, or None while there is none."""
    with gateway.db.read() as session:
        row = session.get(SealedSeedRow, MAIN_SEED)
        counts = select(AccountKeyRow.key_family, func.count()).group_by(AccountKeyRow.key_family)
        by_family = dict(session.execute(counts).all())
    return None if row is None else WalletView(row.fingerprint, row.created_at, by_family)


def open_wallet(gateway: Gateway, seal_key: SealKey, families: Collection[KeyFamily]) -> MasterKey:
    """Open the seed and hold it against what was derived from it before.

    Raises `WalletMissing`, `WrongKey` and `WrongSeed`.
    """
    with gateway.db.read() as session:
        row = seed_row(session)
        first = {family.name: session.get(AccountKeyRow, (family.name, 0)) for family in families}
    master = MasterKey.from_words(open_words(seal_key, row.sealed))
    if master.fingerprint != row.fingerprint:
        raise WrongSeed(row.fingerprint, master.fingerprint)
    for family in families:
        stored = first[family.name]
        if stored is not None and stored.xpub != account_keys(master, family, range(1))[0]:
            raise WrongSeed(row.fingerprint, master.fingerprint)
    return master


def reveal_words(gateway: Gateway, seal_key: SealKey) -> str:
    """Answer the words themselves, for a backup or another seal; raises `WalletMissing` and `WrongKey`."""
    with gateway.db.read() as session:
        row = seed_row(session)
    return open_words(seal_key, row.sealed)


def seed_row(session: Session) -> SealedSeedRow:
    """Answer the sealed seed; raises `WalletMissing`."""
    row = session.get(SealedSeedRow, MAIN_SEED)
    if row is None:
        raise WalletMissing
    return row


def account_keys(master: MasterKey, family: KeyFamily, accounts: range) -> dict[int, str]:
    """Derive the public keys of accounts, by account."""
    return dict(zip(accounts, master.account_public_keys(family.coin_type, accounts), strict=True))


def _known(session: Session, key_family: str) -> frozenset[int]:
    accounts = select(AccountKeyRow.account).where(AccountKeyRow.key_family == key_family)
    return frozenset(session.scalars(accounts))


def _insert_keys(session: Session, key_family: str, keys: Mapping[int, str]) -> int:
    rows = ({"key_family": key_family, "account": account, "xpub": xpub} for account, xpub in keys.items())
    return sum(insert_if_absent(session, AccountKeyRow, row, "key_family", "account") for row in rows)
