import sqlite3
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import OperationalError

from cloudpay.audit.models import AuditEntry
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.types import KeyFamily
from cloudpay.kernel import failpoints
from cloudpay.kernel.errors import ConfigurationError
from cloudpay.kernel.failpoints import Failpoint
from cloudpay.kernel.secrets import SealKey, WrongKey
from cloudpay.testing.addresses import FAKE_FAMILY
from cloudpay.wallets.errors import InvalidMnemonic, WalletExists, WalletMissing, WrongSeed
from cloudpay.wallets.models import AccountKeyRow, SealedSeedRow
from cloudpay.wallets.seed import seal_words
from cloudpay.wallets.setup import derive_accounts, init_wallet, wallet
from cloudpay.wallets.signer import MasterKey

WithFamily = Callable[[Gateway, KeyFamily], Gateway]
TWELVE = "abandon " * 11 + "about"
OTHER_TWELVE = "legal winner thank year wave sausage worth useful legal winner thank yellow"
OTHER = KeyFamily("other", coin_type=195)


def stored_keys(gateway: Gateway, family: str) -> dict[int, str]:
    with gateway.db.read() as session:
        rows = session.scalars(select(AccountKeyRow).where(AccountKeyRow.key_family == family))
        return {row.account: row.xpub for row in rows}


def test_a_new_wallet_has_24_words_and_256_accounts_of_each_key_family(
    gateway: Gateway, seal_key: SealKey, with_family: WithFamily
) -> None:
    gateway = with_family(gateway, OTHER)
    words = init_wallet(gateway, seal_key, actor="cli:test")
    assert len(words.split()) == 24
    master = MasterKey.from_words(words)
    for family in (FAKE_FAMILY, OTHER):
        expected = master.account_public_keys(family.coin_type, range(256))
        assert stored_keys(gateway, family.name) == dict(enumerate(expected))


def test_an_imported_wallet_is_the_one_of_its_words(gateway: Gateway, seal_key: SealKey) -> None:
    init_wallet(gateway, seal_key, mnemonic=f" {TWELVE.upper()} ", accounts=1, actor="cli:test")
    found = wallet(gateway)
    assert found is not None
    assert (found.fingerprint, dict(found.accounts)) == ("73c5da0a", {"fake": 1})


def test_bad_words_make_no_wallet(gateway: Gateway, seal_key: SealKey) -> None:
    with pytest.raises(InvalidMnemonic):
        init_wallet(gateway, seal_key, mnemonic="abandon " * 12, actor="cli:test")
    assert wallet(gateway) is None


def test_a_second_wallet_is_refused_and_changes_nothing(wallet: Gateway, seal_key: SealKey) -> None:
    before = stored_keys(wallet, "fake")
    with pytest.raises(WalletExists, match="has a wallet already"):
        init_wallet(wallet, seal_key, actor="cli:test")
    assert stored_keys(wallet, "fake") == before


def test_of_two_wallets_made_at_the_same_time_one_stays(gateway: Gateway, seal_key: SealKey) -> None:
    barrier, words, refused = threading.Barrier(2, timeout=20), [], []

    def make() -> None:
        barrier.wait()
        try:
            words.append(init_wallet(gateway, seal_key, accounts=2, actor="cli:test"))
        except WalletExists as error:
            refused.append(error)

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(words), len(refused)) == (1, 1)
    keys = MasterKey.from_words(words[0]).account_public_keys(FAKE_FAMILY.coin_type, range(2))
    assert stored_keys(gateway, "fake") == dict(enumerate(keys))


def test_a_wallet_whose_commit_was_not_acknowledged_answers_its_words(
    gateway: Gateway, seal_key: SealKey
) -> None:
    def lose() -> None:
        failpoints.disarm()
        raise OperationalError("COMMIT", {}, sqlite3.OperationalError("server closed the connection"))

    failpoints.arm(Failpoint.TRANSACTION_COMMITTED, lose)
    try:
        words = init_wallet(gateway, seal_key, accounts=1, actor="cli:test")
    finally:
        failpoints.disarm()
    found = wallet(gateway)
    assert found is not None and found.fingerprint == MasterKey.from_words(words).fingerprint


def test_no_row_holds_the_words(gateway: Gateway, seal_key: SealKey) -> None:
    words = init_wallet(gateway, seal_key, accounts=1, actor="cli:test")
    with gateway.db.read() as session:
        sealed = session.scalars(select(SealedSeedRow)).one().sealed
        details = [row.details for row in session.scalars(select(AuditEntry))]
    for word in words.split():
        assert word.encode() not in sealed
    assert words not in str(details)


def test_making_a_wallet_is_in_the_audit_log(wallet: Gateway) -> None:
    with wallet.db.read() as session:
        [entry] = session.scalars(select(AuditEntry))
    assert (entry.actor, entry.action, entry.details["origin"]) == ("cli:test", "wallet.init", "made")


def test_more_accounts_continue_the_same_wallet(gateway: Gateway, seal_key: SealKey) -> None:
    words = init_wallet(gateway, seal_key, accounts=3, actor="cli:test")
    assert derive_accounts(gateway, seal_key, upto=5, actor="cli:test") == {"fake": 2}
    assert derive_accounts(gateway, seal_key, upto=5, actor="cli:test") == {"fake": 0}
    keys = MasterKey.from_words(words).account_public_keys(FAKE_FAMILY.coin_type, range(5))
    assert stored_keys(gateway, "fake") == dict(enumerate(keys))


def test_a_gap_in_the_accounts_is_filled(wallet: Gateway, seal_key: SealKey) -> None:
    before = stored_keys(wallet, "fake")
    wallet.db.run(lambda session: session.execute(delete(AccountKeyRow).where(AccountKeyRow.account == 2)))
    assert derive_accounts(wallet, seal_key, upto=4, actor="cli:test") == {"fake": 1}
    assert stored_keys(wallet, "fake") == before


def test_a_plugin_that_comes_later_gets_its_account_keys(
    wallet: Gateway, seal_key: SealKey, with_family: WithFamily
) -> None:
    later = with_family(wallet, OTHER)
    assert derive_accounts(later, seal_key, upto=4, actor="cli:test") == {"fake": 0, "other": 4}
    assert stored_keys(later, "other").keys() == {0, 1, 2, 3}


def test_accounts_of_a_missing_wallet_are_refused(gateway: Gateway, seal_key: SealKey) -> None:
    with pytest.raises(WalletMissing, match="cloudpay wallet init"):
        derive_accounts(gateway, seal_key, actor="cli:test")


def test_the_wrong_seal_key_derives_nothing(wallet: Gateway) -> None:
    with pytest.raises(WrongKey):
        derive_accounts(wallet, SealKey(b"x" * 32), upto=9, actor="cli:test")
    assert len(stored_keys(wallet, "fake")) == 4


def test_another_seed_in_the_row_is_refused(wallet: Gateway, seal_key: SealKey) -> None:
    other = seal_words(seal_key, TWELVE)
    wallet.db.run(lambda session: session.execute(update(SealedSeedRow).values(sealed=other)))
    with pytest.raises(WrongSeed, match="73c5da0a"):
        derive_accounts(wallet, seal_key, upto=9, actor="cli:test")
    assert len(stored_keys(wallet, "fake")) == 4


def test_another_seed_with_its_fingerprint_is_still_refused(wallet: Gateway, seal_key: SealKey) -> None:
    fingerprint, sealed = MasterKey.from_words(OTHER_TWELVE).fingerprint, seal_words(seal_key, OTHER_TWELVE)
    wallet.db.run(
        lambda session: session.execute(update(SealedSeedRow).values(sealed=sealed, fingerprint=fingerprint))
    )
    with pytest.raises(WrongSeed):
        derive_accounts(wallet, seal_key, upto=9, actor="cli:test")


def test_plugins_that_disagree_on_a_key_family_stop_the_derivation(
    gateway: Gateway, seal_key: SealKey, with_family: WithFamily
) -> None:
    with pytest.raises(ConfigurationError, match="disagree on key family 'fake'"):
        init_wallet(with_family(gateway, KeyFamily("fake", coin_type=60)), seal_key, actor="cli:test")
