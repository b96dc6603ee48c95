"""`cloudpay wallet backup`, `verify` and `restore` as a person runs them."""

import json
import stat
from pathlib import Path

import pytest
from sqlalchemy import update

from cloudpay.chains.gateway import Gateway
from cloudpay.merchants.service import MerchantView, list_merchants
from cloudpay.testing import FakePlugin
from cloudpay.wallets import vault
from cloudpay.wallets.masters import master_wallet
from cloudpay.wallets.models import SealedSeedRow
from cloudpay.wallets.restoring_accounts import ACCOUNTS_AHEAD
from cloudpay.wallets.service import master_address
from tests.cloudpay.cli.conftest import Run
from tests.cloudpay.transactions.desk import write_seal_key
from tests.conftest import DEV_WORDS

PASSPHRASE = "correct horse battery staple"


@pytest.fixture(autouse=True)
def here(gateway: Gateway, merchant: MerchantView, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wallet with its seal key; and a passphrase that is stretched for a moment only."""
    monkeypatch.setattr(vault, "_COST", 1 << 10)
    monkeypatch.setenv("CLOUDPAY_DATABASE_URL", gateway.settings.sql_url)
    write_seal_key(gateway)


@pytest.fixture
def secret(tmp_path: Path) -> str:
    """The file with the passphrase."""
    path = tmp_path / "passphrase"
    path.write_text(f"{PASSPHRASE}\n")
    return str(path)


def assert_no_secret(*texts: str) -> None:
    for text in texts:
        assert PASSPHRASE not in text and "junk" not in text and DEV_WORDS not in text


def test_a_backup_is_written_and_verified_without_showing_a_secret(
    run: Run, tmp_path: Path, secret: str, merchant: MerchantView
) -> None:
    file = tmp_path / "w.backup"
    made = run("wallet", "backup", str(file), "--passphrase-file", secret)
    assert made.code == 0 and "is written and opens" in made.out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    again = run("wallet", "backup", str(file), "--passphrase-file", secret)
    assert again.code == 1 and "nothing is ever overwritten" in again.err and file.read_bytes() == before
    seen = run("wallet", "verify", str(file), "--passphrase-file", secret)
    assert seen.code == 0 and "FIX" not in seen.out and "1 merchants" in seen.out
    told = run("wallet", "verify", str(file), "--passphrase-file", secret, "--json")
    assert json.loads(told.out)["highest_account"] == 0
    assert_no_secret(made.out, made.err, seen.out, told.out, before.decode())


def test_the_passphrase_may_come_by_standard_input_and_a_wrong_one_is_told(run: Run, tmp_path: Path) -> None:
    file = str(tmp_path / "w.backup")
    assert run("wallet", "backup", file, "--passphrase-file", "-", typed=PASSPHRASE).code == 0
    wrong = run("wallet", "verify", file, "--passphrase-file", "-", typed="another one entirely")
    assert wrong.code == 1 and "does not open with this passphrase" in wrong.err
    assert_no_secret(wrong.out, wrong.err)


def test_a_short_passphrase_and_a_missing_file_are_told(run: Run, tmp_path: Path) -> None:
    file = str(tmp_path / "w.backup")
    short = run("wallet", "backup", file, "--passphrase-file", "-", typed="short")
    assert short.code == 1 and "at least 12 characters" in short.err
    missing = run("wallet", "verify", file, "--passphrase-file", "-", typed=PASSPHRASE)
    assert missing.code == 1 and "cannot be read" in missing.err


def test_another_wallets_backup_is_told_by_the_exit_code(
    run: Run, tmp_path: Path, secret: str, gateway: Gateway
) -> None:
    file = str(tmp_path / "w.backup")
    run("wallet", "backup", file, "--passphrase-file", secret)
    gateway.db.run(lambda session: session.execute(update(SealedSeedRow).values(fingerprint="00000000")))
    seen = run("wallet", "verify", file, "--passphrase-file", secret)
    assert seen.code == 1 and "FIX" in seen.out
    refused = run("wallet", "restore", file, "--passphrase-file", secret, "--ahead", "5")
    assert refused.code == 1 and "another wallet" in refused.err and "Nothing was changed" in refused.err


def test_a_restore_shows_what_was_found_and_what_to_do(
    run: Run, tmp_path: Path, secret: str, gateway: Gateway, merchant: MerchantView, fakes: FakePlugin
) -> None:
    network = gateway.chains.network("evm")
    gateway.chains.adapter("evm")
    fakes.chains["evm"].fund(master_wallet(gateway, network, merchant.id).address, 2 * 10**18)
    fakes.chains["evm"].mine(5)
    file = str(tmp_path / "w.backup")
    run("wallet", "backup", file, "--passphrase-file", secret)
    done = run("wallet", "restore", file, "--passphrase-file", secret, "--ahead", "5", "--json")
    assert done.code == 0
    told = json.loads(done.out[done.out.index("{\n") :])  # behind what this test's log says
    assert [(each["currency"], each["total"]) for each in told["found"]] == [("ETH", "2.00")]
    shown = run("wallet", "restore", file, "--passphrase-file", secret, "--ahead", "5")
    assert "cloudpay thaw --reconciled" in shown.out and "2.00" in shown.out
    frozen = run("thaw", "--reason", "compared", "--reconciled")
    assert frozen.code == 0
    assert_no_secret(done.out, done.err, shown.out, shown.err)


@pytest.mark.parametrize("as_json", [True, False])
def test_f117_a_restore_names_the_merchant_that_it_made_for_an_account_that_was_used(
    run: Run, tmp_path: Path, secret: str, gateway: Gateway, fakes: FakePlugin, as_json: bool
) -> None:
    gateway.chains.adapter("evm")
    fakes.chains["evm"].fund(master_address(gateway, gateway.chains.network("evm"), 1), 3 * 10**18)
    fakes.chains["evm"].mine(5)
    file = str(tmp_path / "w.backup")
    run("wallet", "backup", file, "--passphrase-file", secret)
    done = run("wallet", "restore", file, "--passphrase-file", secret, "--ahead", "5", *["--json"] * as_json)
    assert done.code == 0
    kept = next(each for each in list_merchants(gateway) if each.account_index == 1)
    if as_json:
        told = json.loads(done.out[done.out.index("{\n") :])  # behind what this test's log says
        named = {"id": kept.id, "name": "restored account 1", "account_index": 1}
        assert (told["late_merchants"], told["first_free_account"]) == ([named], 2 + ACCOUNTS_AHEAD)
        assert [each["in_masters"] for each in told["found"]] == ["3.00"]
    else:
        assert "Account 1 was used" in done.out and f"cloudpay key create {kept.id}" in done.out
