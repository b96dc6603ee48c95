"""Bring a wallet back from its backup: the seed, the keys, the merchants, and every address that may be in use.

Nothing here asks a chain. Sending is frozen in the transaction that writes the seed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import DEPOSIT_CHAIN
from cloudpay.kernel.db import table_of
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.leases import working
from cloudpay.kernel.secrets import SealKey
from cloudpay.kernel.upsert import insert_if_absent, upsert
from cloudpay.merchants.service import MerchantView, all_merchants, put_back
from cloudpay.wallets.backup_errors import BackupDamaged, GatewayRunning, OtherWallet
from cloudpay.wallets.backups import Branch, Contents, branches
from cloudpay.wallets.freezes import EVERYWHERE
from cloudpay.wallets.models import (
    MAIN_SEED,
    AccountKeyRow,
    AddressRangeRow,
    DepositAddressRow,
    GasChoiceRow,
    SealedSeedRow,
)
from cloudpay.wallets.seed import seal_words
from cloudpay.wallets.setup import ACCOUNTS, account_keys, key_families
from cloudpay.wallets.signer import MasterKey
from cloudpay.wallets.switch import freeze_sending, write_file

NO_INVOICE = ""
"""Of a deposit address that came back without its invoice: what comes there is the merchant's, and no sale's."""

Along = Callable[[Session, bool], None]
"""What else is written in the same transaction, told whether there was no wallet before."""

_AT_ONCE = 1_000
_DEPOSIT = table_of(DepositAddressRow)


@dataclass(frozen=True)
class Restored:
    """What a restore brought back; `fresh` where there was no wallet before. Counts are of what was missing."""

    fingerprint: str
    fresh: bool
    merchants: int
    addresses: int


def restore_wallet(
    gateway: Gateway, seal_key: SealKey, contents: Contents, *, ahead: int, actor: str, along: Along
) -> Restored:
    """Write everything of a backup that is not here yet, and freeze sending; all of it, with `along`, or nothing.

    Of every account, `ahead` addresses beyond the last known one are watched too: some were handed out since.
    Raises `OtherWallet`, `GatewayRunning`, `BackupDamaged`.
    """
    master = MasterKey.from_words(contents.words)
    keys = _derive(gateway, master, contents)
    sealed = seal_words(seal_key, contents.words)
    reason = (
        f"The wallet was restored from a backup of {contents.made_at:%Y-%m-%d %H:%M} UTC. What it takes for unpaid may "
        "be paid. Compare it with the chains (`cloudpay reconcile`), then run `cloudpay thaw --reconciled`."
    )

    def work(session: Session) -> Restored:
        now = gateway.clock.now(session)
        if (holder := working(session, now)) is not None:
            raise GatewayRunning(holder)
        freeze_sending(session, gateway, EVERYWHERE, reason, needs_reconciliation=True, actor=actor)
        fresh = _put_seed(session, contents, sealed, now)
        _put_keys(session, contents, keys)
        merchants = _put_merchants(session, gateway, contents, now)
        wanted = _reach(session, contents, all_merchants(session), keys, ahead)
        addresses = sum(put_addresses(session, gateway, each, now) for each in wanted)
        along(session, fresh)
        details = {"made_at": contents.made_at.isoformat(), "addresses": str(addresses)}
        record(session, actor=actor, action="wallet.restored", subject=contents.fingerprint, details=details)
        return Restored(contents.fingerprint, fresh, merchants, addresses)

    done = gateway.db.run(work)
    write_file(gateway.settings, EVERYWHERE, reason)
    return done


def put_addresses(session: Session, gateway: Gateway, branch: Branch, now: datetime) -> int:
    """Have all deposit addresses of an account below `next_index` be known, and none of them handed out again.

    Answers how many were not known; whose invoices they are nobody knows any more.
    """
    network = next(each for each in gateway.chains if each.key_family.name == branch.key_family)
    owner = next(each for each in all_merchants(session) if each.account_index == branch.account)
    _reserve(session, branch)
    known = set(
        session.scalars(
            select(_DEPOSIT.c.index).where(
                _DEPOSIT.c.key_family == branch.key_family,
                _DEPOSIT.c.account == branch.account,
                _DEPOSIT.c.chain == branch.chain,
            )
        )
    )
    missing = [index for index in range(branch.next_index) if index not in known]
    xpub = session.get_one(AccountKeyRow, (branch.key_family, branch.account)).xpub
    for start in range(0, len(missing), _AT_ONCE):
        part = missing[start : start + _AT_ONCE]
        rows = [_row(network, xpub, branch, index, owner, now) for index in part]
        session.connection().execute(insert(_DEPOSIT), rows)
    return len(missing)


def _derive(gateway: Gateway, master: MasterKey, contents: Contents) -> Mapping[str, Mapping[int, str]]:
    """Derive the account keys of every family from the words, and hold those of the backup against them."""
    if master.fingerprint != contents.fingerprint:
        raise BackupDamaged("The backup")
    highest = contents.highest_account
    accounts = range(max(ACCOUNTS, 0 if highest is None else highest + 1))
    found = {each.name: account_keys(master, each, accounts) for each in key_families(gateway)}
    for family in contents.families:
        mine = found.get(family.name, {})
        if any(mine.get(account, xpub) != xpub for account, xpub in family.accounts.items()):
            raise BackupDamaged("The backup")
    return found


def _put_seed(session: Session, contents: Contents, sealed: bytes, now: datetime) -> bool:
    """Write the seed, sealed by this machine's key; answer whether there was none. Another wallet's is left alone."""
    row = session.get(SealedSeedRow, MAIN_SEED)
    if row is not None and row.fingerprint != contents.fingerprint:
        raise OtherWallet(row.fingerprint, contents.fingerprint)
    if row is not None:
        row.sealed = sealed  # the key that it was sealed with may be gone
        return False
    fresh = {"sealed": sealed, "fingerprint": contents.fingerprint, "created_at": now}
    insert_if_absent(session, SealedSeedRow, {"name": MAIN_SEED, **fresh}, "name")
    return True


def _put_keys(session: Session, contents: Contents, keys: Mapping[str, Mapping[int, str]]) -> None:
    for family, accounts in keys.items():
        stored = select(AccountKeyRow).where(AccountKeyRow.key_family == family)
        known = {row.account: row.xpub for row in session.scalars(stored)}
        if any(accounts.get(account, xpub) != xpub for account, xpub in known.items()):
            raise OtherWallet(contents.fingerprint, contents.fingerprint, "its stored public keys differ")
        for account, xpub in accounts.items():
            if account not in known:
                session.add(AccountKeyRow(key_family=family, account=account, xpub=xpub))
    session.flush()


def _put_merchants(session: Session, gateway: Gateway, contents: Contents, now: datetime) -> int:
    here = {each.id: each.account_index for each in all_merchants(session)}
    taken = {account: name for name, account in here.items()}
    for each in contents.merchants:
        if taken.get(each.account_index, each.id) != each.id or here.get(each.id) not in (
            None,
            each.account_index,
        ):
            what = (
                f"account {each.account_index} belongs to merchant {taken.get(each.account_index, each.id)}"
            )
            raise OtherWallet(contents.fingerprint, contents.fingerprint, f"{what} here, not to {each.id}")
    missing = [each for each in contents.merchants if each.id not in here]
    for each in missing:
        put_back(session, gateway, each)
    back = {each.id for each in missing}  # whoever is here already has chosen since
    for choice in contents.gas_stations:
        if choice.merchant_id in back:
            session.add(GasChoiceRow(merchant_id=choice.merchant_id, network=choice.network, since=now))
    return len(missing)


def _reach(
    session: Session,
    contents: Contents,
    merchants: Sequence[MerchantView],
    keys: Mapping[str, Mapping[int, str]],
    ahead: int,
) -> list[Branch]:
    """Answer for every merchant's account how far its addresses are known, and `ahead` further."""
    reached: dict[tuple[str, int], int] = {}
    for each in (*contents.branches, *branches(session)):
        if each.chain == DEPOSIT_CHAIN:
            place = each.key_family, each.account
            reached[place] = max(reached.get(place, 0), each.next_index)
    highest = func.max(_DEPOSIT.c.index)
    grouped = select(_DEPOSIT.c.key_family, _DEPOSIT.c.account, highest).group_by(
        _DEPOSIT.c.key_family, _DEPOSIT.c.account
    )
    for family, account, index in session.execute(grouped):
        reached[family, account] = max(reached.get((family, account), 0), index + 1)
    return [
        Branch(family, account, DEPOSIT_CHAIN, reached.get((family, account), 0) + ahead)
        for family in keys
        for account in sorted(each.account_index for each in merchants)
    ]


def _reserve(session: Session, branch: Branch) -> None:
    row = AddressRangeRow
    place = {"key_family": branch.key_family, "account": branch.account, "chain": branch.chain}
    statement = upsert(session, row).values(**place, next_index=branch.next_index)
    session.execute(statement.on_conflict_do_nothing(index_elements=list(place)))
    session.execute(
        update(row)
        .where(row.key_family == branch.key_family, row.account == branch.account)
        .where(row.chain == branch.chain, row.next_index < branch.next_index)
        .values(next_index=branch.next_index)
    )


def _row(
    network: Network, xpub: str, branch: Branch, index: int, owner: MerchantView, now: datetime
) -> dict[str, Any]:
    return {
        "id": new_id("dep_"),
        "key_family": branch.key_family,
        "address": network.addresses.derive(xpub, branch.chain, index),
        "account": branch.account,
        "chain": branch.chain,
        "index": index,
        "merchant_id": owner.id,
        "invoice_id": NO_INVOICE,
        "livemode": owner.livemode,
        "created_at": now,
    }
