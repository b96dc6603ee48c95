"""Hold a backup against the wallet that is here; nothing is written."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.types import DEPOSIT_CHAIN, GAS_CHAIN, MASTER_CHAIN
from cloudpay.merchants.service import all_merchants
from cloudpay.wallets.backups import Contents
from cloudpay.wallets.models import (
    MAIN_SEED,
    AccountKeyRow,
    DepositAddressRow,
    GasWalletRow,
    MasterWalletRow,
    SealedSeedRow,
)
from cloudpay.wallets.signer import MasterKey

_AT_ONCE = 1_000
_TABLES = ((DepositAddressRow, DEPOSIT_CHAIN), (MasterWalletRow, MASTER_CHAIN), (GasWalletRow, GAS_CHAIN))


@dataclass(frozen=True)
class Compared:
    """One thing that was compared: `ok` is None where a new backup is due, and False where this is another wallet's."""

    subject: str
    ok: bool | None
    says: str


def own_check(contents: Contents) -> Compared:
    """Hold the backup's public keys against its own words."""
    master = MasterKey.from_words(contents.words)
    whole = master.fingerprint == contents.fingerprint and all(
        xpub == master.account_public_keys(family.coin_type, range(account, account + 1))[0]
        for family in contents.families
        for account, xpub in family.accounts.items()
    )
    says = "All public keys come from its words." if whole else "Its public keys are not those of its words."
    return Compared("backup", whole, says)


def compare(gateway: Gateway, contents: Contents) -> Iterator[Compared]:
    """Compare seed, public keys, merchants, and every address in the database with what the backup would bring back."""
    with gateway.db.read() as session:
        row = session.get(SealedSeedRow, MAIN_SEED)
        if row is None:
            yield Compared(
                "wallet", None, "This gateway has no wallet; `cloudpay wallet restore` brings it back."
            )
            return
        same = row.fingerprint == contents.fingerprint
        says = f"This gateway's wallet is {row.fingerprint}, the backup's is {contents.fingerprint}."
        yield Compared("wallet", same, says)
        if not same:
            return
        yield _keys(session, contents)
        yield _merchants(session, contents)
        yield _addresses(session, gateway, contents)
        yield _reach(session, contents)


def _keys(session: Session, contents: Contents) -> Compared:
    master = MasterKey.from_words(contents.words)
    coin_types = {family.name: family.coin_type for family in contents.families}
    stored = [row for row in session.scalars(select(AccountKeyRow)) if row.key_family in coin_types]
    wrong = [
        f"{row.key_family}/{row.account}"
        for row in stored
        if master.account_public_keys(coin_types[row.key_family], range(row.account, row.account + 1))[0]
        != row.xpub
    ]
    if wrong:
        return Compared("public keys", False, f"Not of this seed: {', '.join(wrong[:5])}. Do not take money.")
    return Compared("public keys", True, f"All {len(stored)} in the database are of this seed.")


def _merchants(session: Session, contents: Contents) -> Compared:
    known = {each.id: each.account_index for each in contents.merchants}
    here = {each.id: each.account_index for each in all_merchants(session)}
    if any(known.get(name, account) != account for name, account in here.items()):
        return Compared("merchants", False, "A merchant has another account here than in the backup.")
    new = here.keys() - known.keys()
    if new:
        return Compared("merchants", None, f"{len(new)} came since the backup. Make a new one.")
    return Compared("merchants", True, f"All {len(here)} are in it.")


def _addresses(session: Session, gateway: Gateway, contents: Contents) -> Compared:
    """Derive every address of the database anew from the backup's public keys."""
    keys = {
        (family.name, account): xpub
        for family in contents.families
        for account, xpub in family.accounts.items()
    }
    derivers = {network.key_family.name: network.addresses for network in gateway.chains}
    checked = wrong = unknown = 0
    for model, chain in _TABLES:
        columns = select(model.key_family, model.account, model.index, model.address).where(
            model.chain == chain
        )
        for family, account, index, address in session.execute(columns.execution_options(yield_per=_AT_ONCE)):
            xpub, deriver = keys.get((family, account)), derivers.get(family)
            if xpub is None or deriver is None:
                unknown += 1
                continue
            checked += 1
            wrong += deriver.derive(xpub, chain, index) != address
    if wrong:
        return Compared("addresses", False, f"{wrong} of {checked} are not of this seed. Do not take money.")
    if unknown:
        return Compared(
            "addresses",
            None,
            f"{unknown} are of accounts or networks that the backup has not. Make a new one.",
        )
    return Compared("addresses", True, f"All {checked} in the database come from this backup.")


def _reach(session: Session, contents: Contents) -> Compared:
    known = {
        (each.key_family, each.account): each.next_index
        for each in contents.branches
        if each.chain == DEPOSIT_CHAIN
    }
    row = DepositAddressRow
    grouped = select(row.key_family, row.account, func.max(row.index)).group_by(row.key_family, row.account)
    beyond = sum(
        max(0, index + 1 - known.get((family, account), 0))
        for family, account, index in session.execute(grouped)
    )
    if beyond:
        return Compared(
            "reach",
            None,
            f"Addresses were handed out since, up to {beyond} of them. Make a new one now and then.",
        )
    return Compared("reach", True, "No address was handed out beyond those that it knows.")
