"""Merchants that were made after a backup: found by their money, and none of their addresses is given away again."""

import pytest

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.gateway import Gateway
from cloudpay.ledger.audit import check
from cloudpay.ledger.types import AccountKind
from cloudpay.merchants.service import create_merchant, list_merchants
from cloudpay.wallets.masters import master_wallet
from cloudpay.wallets.restoring_accounts import ACCOUNTS_AHEAD, LateAccounts
from cloudpay.wallets.service import master_address, plan_deposit
from cloudpay.wallets.setup import derive_accounts
from tests.cloudpay.payments.restoring import SEAL_KEY, bring_back, contents_of, fund, held, watched
from tests.cloudpay.shop import Shop

pytestmark = pytest.mark.usefixtures("cheap")


@pytest.mark.parametrize("place", ["master", "deposit"])
def test_f117_a_merchant_that_came_after_the_backup_is_found_by_its_money_which_is_booked(
    shop: Shop, elsewhere: Gateway, place: str
) -> None:
    contents = contents_of(shop.gateway)
    network = shop.watcher.network
    late = create_merchant(shop.gateway, "Late", livemode=False, payout_currencies={}, actor="cli:test")
    master = master_wallet(shop.gateway, network, late.id)
    deposits = [plan_deposit(shop.gateway, network, late.account_index) for _ in range(60)]
    fund(shop, master.address if place == "master" else deposits[-1].address, 777)
    report = bring_back(elsewhere, contents)
    [kept] = report.late
    assert (kept.name, kept.account_index, kept.livemode) == ("restored account 1", 1, False)
    assert kept in list_merchants(elsewhere)
    assert master_wallet(elsewhere, network, kept.id).address == master.address
    kind = AccountKind.MASTER if place == "master" else AccountKind.DEPOSITS
    assert held(elsewhere, kept, kind) == 777
    assert all(watched(elsewhere, each.address) for each in deposits)
    assert check(elsewhere) == []
    assert list(bring_back(elsewhere, contents).late) == []


def test_f117_an_account_that_a_lost_database_may_have_given_away_is_never_given_to_another_merchant(
    shop: Shop, elsewhere: Gateway
) -> None:
    """Neither one that was used nor one whose invoices are still to be paid: that money would be somebody else's."""
    contents = contents_of(shop.gateway)
    names = ("Late", "Later", "Latest")
    late = [
        create_merchant(shop.gateway, name, livemode=False, payout_currencies={}, actor="cli:test")
        for name in names
    ]
    fund(shop, master_wallet(shop.gateway, shop.watcher.network, late[1].id).address, 777)
    report = bring_back(elsewhere, contents)
    assert [each.account_index for each in report.late] == [late[1].account_index]
    new = create_merchant(elsewhere, "New", livemode=False, payout_currencies={}, actor="cli:test")
    assert new.account_index == report.first_free == late[1].account_index + 1 + ACCOUNTS_AHEAD
    assert plan_deposit(elsewhere, shop.watcher.network, new.account_index).index == 0


def test_f117_an_account_behind_empty_ones_is_looked_for_until_twenty_in_a_row_are_empty(
    shop: Shop, elsewhere: Gateway
) -> None:
    contents = contents_of(shop.gateway)
    derive_accounts(shop.gateway, SEAL_KEY, upto=64, actor="cli:test")
    used = [ACCOUNTS_AHEAD, 2 * ACCOUNTS_AHEAD, 3 * ACCOUNTS_AHEAD + 1]
    for account in used:
        fund(shop, master_address(shop.gateway, shop.watcher.network, account), 777)
    assert [each.account_index for each in bring_back(elsewhere, contents).late] == used[:2]


def test_f117_a_merchant_whose_first_money_came_after_the_restore_is_found_by_restoring_again(
    shop: Shop, elsewhere: Gateway
) -> None:
    contents = contents_of(shop.gateway)
    late = create_merchant(shop.gateway, "Late", livemode=False, payout_currencies={}, actor="cli:test")
    assert list(bring_back(elsewhere, contents).late) == []
    new = create_merchant(elsewhere, "New", livemode=False, payout_currencies={}, actor="cli:test")
    fund(shop, master_wallet(shop.gateway, shop.watcher.network, late.id).address, 777)
    assert [each.account_index for each in bring_back(elsewhere, contents).late] == [late.account_index]
    assert new in list_merchants(elsewhere)


def test_f117_accounts_are_reserved_though_a_restore_breaks_off_before_it_could_look(
    shop: Shop, elsewhere: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = contents_of(shop.gateway)

    def away(*_arguments: object, **_named: object) -> LateAccounts:
        raise NodeUnavailable("evm", "it is away")

    with monkeypatch.context() as broken:
        broken.setattr("cloudpay.payments.restore.find_accounts", away)
        with pytest.raises(NodeUnavailable):
            bring_back(elsewhere, contents)
    new = create_merchant(elsewhere, "New", livemode=False, payout_currencies={}, actor="cli:test")
    assert new.account_index == 1 + ACCOUNTS_AHEAD
