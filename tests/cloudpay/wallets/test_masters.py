from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.spending import KeyPath
from cloudpay.chains.types import MASTER_CHAIN, KeyFamily
from cloudpay.kernel.db import Database
from cloudpay.kernel.secrets import SealKey
from cloudpay.merchants.errors import UnknownMerchant
from cloudpay.merchants.service import create_merchant
from cloudpay.testing import fake_address
from cloudpay.wallets.errors import AccountsExhausted, WalletMissing
from cloudpay.wallets.masters import (
    all_masters,
    find_master,
    make_masters,
    master_wallet,
    masters,
)
from cloudpay.wallets.service import DepositAddress, master_address, ours
from cloudpay.wallets.setup import derive_accounts, init_wallet

FAMILY = "fake"


def merchant(gateway: Gateway, name: str = "Tea", *, livemode: bool = False) -> str:
    return create_merchant(gateway, name, livemode=livemode, payout_currencies={}, actor="cli:test").id


def watched(gateway: Gateway, address: str) -> bool:
    with gateway.db.read() as session:
        return address in ours(session, FAMILY, [address])


def test_a_merchants_master_wallet_is_the_first_address_of_its_accounts_master_chain(wallet: Gateway) -> None:
    merchant(wallet)
    second, network = merchant(wallet, "Coffee", livemode=True), wallet.chains.network("evm")
    found = master_wallet(wallet, network, second)
    assert found.path == KeyPath(1, MASTER_CHAIN, 0)
    assert found.address == master_address(wallet, network, 1)
    assert (found.merchant_id, found.livemode, found.key_family) == (second, True, FAMILY)


def test_an_address_that_was_told_is_watched(wallet: Gateway) -> None:
    mine, network = merchant(wallet), wallet.chains.network("evm")
    assert not watched(wallet, master_address(wallet, network, 0))
    assert watched(wallet, master_wallet(wallet, network, mine).address)


def test_the_master_wallet_is_the_same_whoever_asks_and_on_every_network_of_its_family(
    wallet: Gateway,
) -> None:
    mine = merchant(wallet)
    first = master_wallet(wallet, wallet.chains.network("evm"), mine)
    again = replace(wallet, db=Database(wallet.db.url))
    assert master_wallet(again, again.chains.network("fake2"), mine) == first
    with wallet.db.read() as session:
        assert find_master(session, wallet.chains.network("evm"), mine) == first
        assert all_masters(session, FAMILY) == [first]


def test_master_wallets_are_found_by_address_beside_the_deposit_addresses(
    wallet: Gateway, give: Callable[[Gateway, str], DepositAddress]
) -> None:
    mine = master_wallet(wallet, wallet.chains.network("evm"), merchant(wallet))
    given = give(wallet, "INV-1")
    asked = [mine.address, given.address, fake_address("a stranger")]
    with wallet.db.read() as session:
        assert ours(session, FAMILY, asked) == {mine.address, given.address}
        assert masters(session, FAMILY, asked) == {mine.address: mine}
        assert masters(session, "other", asked) == {}
        assert masters(session, FAMILY, []) == {}


def test_every_merchant_without_a_master_wallet_gets_one(wallet: Gateway) -> None:
    network, known = wallet.chains.network("evm"), merchant(wallet)
    first = master_wallet(wallet, network, known)
    merchant(wallet, "Coffee")
    assert make_masters(wallet) == 1
    assert make_masters(wallet) == 0
    with wallet.db.read() as session:
        assert [each.path.account for each in all_masters(session, FAMILY)] == [0, 1]
        assert all_masters(session, FAMILY)[0] == first


def test_a_merchant_without_a_wallet_waits_for_it_and_nothing_fails(
    gateway: Gateway, seal_key: SealKey
) -> None:
    mine, network = merchant(gateway), gateway.chains.network("evm")
    assert make_masters(gateway) == 0
    with pytest.raises(WalletMissing, match="cloudpay wallet init"):
        master_wallet(gateway, network, mine)
    init_wallet(gateway, seal_key, accounts=1, actor="cli:test")
    without_key = merchant(gateway, "Coffee")
    assert make_masters(gateway) == 1
    with pytest.raises(AccountsExhausted):
        master_wallet(gateway, network, without_key)


def test_a_family_that_is_added_later_gets_master_wallets_of_its_own(
    wallet: Gateway, seal_key: SealKey, with_family: Callable[[Gateway, KeyFamily], Gateway]
) -> None:
    mine = merchant(wallet)
    make_masters(wallet)
    later = with_family(wallet, KeyFamily("other", coin_type=195))
    assert make_masters(later) == 0  # its public keys are not derived yet
    derive_accounts(later, seal_key, upto=4, actor="cli:test")
    assert make_masters(later) == 1
    assert master_wallet(later, later.chains.network("other"), mine).key_family == "other"


def test_a_merchant_that_does_not_exist_has_no_master_wallet(wallet: Gateway) -> None:
    with pytest.raises(UnknownMerchant):
        master_wallet(wallet, wallet.chains.network("evm"), "mer_none")


def test_making_one_inside_a_transaction_is_refused(wallet: Gateway) -> None:
    mine = merchant(wallet)
    with wallet.db.transaction(), pytest.raises(RuntimeError, match="master_wallet"):
        master_wallet(wallet, wallet.chains.network("evm"), mine)


def test_several_that_make_the_same_one_at_once_make_one(wallet: Gateway) -> None:
    mine, network = merchant(wallet), wallet.chains.network("evm")
    processes = [replace(wallet, db=Database(wallet.db.url)) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda process: master_wallet(process, network, mine), processes))
    with wallet.db.read() as session:
        assert all_masters(session, FAMILY) == [found[0]]
    assert len(set(found)) == 1
