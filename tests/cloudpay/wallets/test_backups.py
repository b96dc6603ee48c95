"""Backups: the whole wallet in one file that gives nothing away, is told from others, and never overwrites."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.audit.models import AuditEntry
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.secrets import KEY_BYTES, SealKey, WrongKey
from cloudpay.merchants.service import MerchantView
from cloudpay.wallets import vault
from cloudpay.wallets.backup_errors import (
    BackupDamaged,
    BackupNotWritten,
    UnknownBackup,
    WeakPassphrase,
    WrongPassphrase,
)
from cloudpay.wallets.backups import Contents, back_up, open_backup
from cloudpay.wallets.comparing import compare, own_check
from cloudpay.wallets.errors import WalletMissing
from cloudpay.wallets.masters import make_masters
from cloudpay.wallets.models import AccountKeyRow, DepositAddressRow
from cloudpay.wallets.service import DepositAddress
from tests.conftest import DEV_WORDS

PASSPHRASE = "correct horse battery staple"
SEAL_KEY = SealKey(bytes(KEY_BYTES))

Give = Callable[[Gateway, str], DepositAddress]


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A passphrase is stretched for a moment only; one test stretches it as long as the product does."""
    monkeypatch.setattr(vault, "_COST", 1 << 10)


@pytest.fixture
def data(gateway: Gateway, merchant: MerchantView, give: Give) -> bytes:
    """A backup of a wallet with a merchant and an address in use."""
    give(gateway, "INV-1")
    make_masters(gateway)
    return back_up(gateway, SEAL_KEY, PASSPHRASE, actor="cli:test")


def opened(data: bytes) -> Contents:
    return open_backup(data, PASSPHRASE, "w.backup")


def test_a_backup_holds_all_that_brings_the_wallet_back(
    gateway: Gateway, merchant: MerchantView, data: bytes
) -> None:
    contents = opened(data)
    assert contents.words == DEV_WORDS
    assert [each.id for each in contents.merchants] == [merchant.id]
    assert contents.highest_account == 0
    [family] = contents.families
    assert (family.name, family.networks) == ("fake", ("evm", "fake2"))
    assert sorted(family.accounts) == [0, 1, 2, 3]
    [branch] = contents.branches
    assert (branch.key_family, branch.account) == ("fake", 0) and branch.next_index > 0
    assert own_check(contents).ok


def test_a_backup_shows_no_secret_without_its_passphrase(data: bytes) -> None:
    for word in (*DEV_WORDS.split(), "xpub", "Tea Shop", PASSPHRASE):
        assert word.encode() not in data
    assert DEV_WORDS not in repr(opened(data))


def test_a_backup_is_sealed_as_dearly_as_it_says(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    found = vault.read(vault.seal(b"x", PASSPHRASE, fingerprint="f", made_at=opened(data).made_at), "w")
    assert 128 * found.stretching.n * found.stretching.r >= 1 << 27
    assert vault.unseal(found, PASSPHRASE, "w") == b"x"


def test_making_a_backup_is_in_the_audit_log(gateway: Gateway, data: bytes) -> None:
    with gateway.db.read() as session:
        actions = session.scalars(select(AuditEntry.action)).all()
    assert "wallet.backed_up" in actions


def test_the_wrong_passphrase_opens_nothing_and_says_so(data: bytes) -> None:
    for wrong in (PASSPHRASE.upper(), PASSPHRASE + " ", ""):
        with pytest.raises(WrongPassphrase, match="whole"):
            open_backup(data, wrong, "w.backup")


def test_every_changed_byte_is_noticed_without_the_passphrase(data: bytes) -> None:
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises((BackupDamaged, UnknownBackup)):
            vault.read(changed, "w.backup")


def test_a_file_that_is_cut_anywhere_is_noticed(data: bytes) -> None:
    for length in range(0, len(data), 7):
        with pytest.raises(BackupDamaged):
            vault.read(data[:length], "w.backup")


def test_a_changed_file_with_a_right_checksum_does_not_open(data: bytes) -> None:
    """Whoever can write the file can count a checksum anew; the seal is what holds."""
    file = vault.read(data, "w.backup")
    forged = msgspec.structs.replace(file, fingerprint="00000000")
    again = vault._written(msgspec.structs.replace(forged, checksum=vault._checksum(forged)))
    with pytest.raises(WrongPassphrase):
        open_backup(again, PASSPHRASE, "w.backup")


def test_a_file_that_asks_for_all_memory_is_refused(data: bytes) -> None:
    file = vault.read(data, "w.backup")
    greedy = msgspec.structs.replace(file, stretching=msgspec.structs.replace(file.stretching, n=1 << 40))
    with pytest.raises(BackupDamaged):
        vault.unseal(greedy, PASSPHRASE, "w.backup")


def test_a_newer_kind_of_backup_is_named(data: bytes) -> None:
    with pytest.raises(UnknownBackup, match="version 2"):
        vault.read(data.replace(b'"version":1', b'"version":2'), "w.backup")


def test_a_short_passphrase_is_refused(gateway: Gateway, merchant: MerchantView) -> None:
    with pytest.raises(WeakPassphrase):
        back_up(gateway, SEAL_KEY, "eleven char", actor="cli:test")


def test_there_is_nothing_to_back_up_without_a_wallet_or_with_the_wrong_key(
    gateway: Gateway, wallet: Gateway
) -> None:
    with pytest.raises(WrongKey):
        back_up(wallet, SealKey(b"x" * 32), PASSPHRASE, actor="cli:test")


def test_without_a_wallet_no_backup_is_made(gateway: Gateway) -> None:
    with pytest.raises(WalletMissing):
        back_up(gateway, SEAL_KEY, PASSPHRASE, actor="cli:test")


def test_a_backup_is_its_owners_alone_and_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "w.backup"
    before = os.umask(0)
    try:
        vault.write_new(path, b"first")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(BackupNotWritten, match="nothing is ever overwritten"):
        vault.write_new(path, b"second")
    assert path.read_bytes() == b"first"


def test_f115_a_backup_that_finds_no_room_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BackupNotWritten, match="No space left"):
        vault.write_new(tmp_path / "w.backup", b"data")
    assert list(tmp_path.iterdir()) == []


def findings(gateway: Gateway, data: bytes) -> dict[str, bool | None]:
    return {each.subject: each.ok for each in compare(gateway, opened(data))}


def test_a_backup_of_this_wallet_is_recognised(gateway: Gateway, data: bytes) -> None:
    assert findings(gateway, data) == {
        "wallet": True, "public keys": True, "merchants": True, "addresses": True, "reach": True,
    }  # fmt: skip


def test_an_address_that_is_not_of_the_seed_is_found(gateway: Gateway, data: bytes) -> None:
    """Whoever can write the database could have payers pay an address of his own."""

    def steal(session: Session) -> None:
        row = session.scalars(select(DepositAddressRow)).one()
        row.address = "fake:a-thief"

    gateway.db.run(steal)
    assert findings(gateway, data)["addresses"] is False


def test_a_public_key_that_is_not_of_the_seed_is_found(gateway: Gateway, data: bytes) -> None:
    def swap(session: Session) -> None:
        rows = {row.account: row for row in session.scalars(select(AccountKeyRow))}
        rows[1].xpub = rows[2].xpub

    gateway.db.run(swap)
    assert findings(gateway, data)["public keys"] is False


def test_addresses_beyond_the_backups_reach_ask_for_a_new_one(
    gateway: Gateway, data: bytes, give: Give
) -> None:
    for number in range(2, 70):
        give(gateway, f"INV-{number}")
    assert findings(gateway, data)["reach"] is None
