"""What comes to a gas station of its own and leaves it: booked as a wallet's, and never anybody's payment."""

from collections.abc import Callable

import pytest

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.gateway import Gateway
from cloudpay.ledger.audit import check
from cloudpay.ledger.outgoing import available
from cloudpay.ledger.types import AccountKind
from cloudpay.merchants.service import MerchantView, create_merchant
from cloudpay.payments.networks import resume
from cloudpay.reconciliation.service import Patience, reconcile
from cloudpay.wallets.gas import gas_station
from cloudpay.wallets.gas_choice import set_gas_station
from cloudpay.wallets.restoring_accounts import LateAccounts
from cloudpay.wallets.service import wallet_address
from tests.cloudpay.payments.outside import ETHER, booked, master, rows, sign, usdt, why_frozen
from tests.cloudpay.payments.restoring import bring_back, contents_of, fund, held, watched
from tests.cloudpay.shop import Shop


@pytest.fixture
def own(shop: Shop) -> str:
    """The gas station that the shop has chosen."""
    merchant = shop.principal.merchant_id
    return set_gas_station(shop.gateway, merchant, shop.code, own=True, actor="cli:test").address


def agree(shop: Shop) -> bool:
    return not reconcile(shop.gateway, shop.code, Patience(lambda: None)).drifts


def test_what_comes_from_outside_is_booked_there_when_it_is_final_and_is_free_for_no_payout(
    shop: Shop, own: str
) -> None:
    shop.chain.send(own, ETHER)
    shop.chain.send(own, 5, usdt(shop))
    shop.mine(1)
    assert booked(shop, AccountKind.GAS) == 0
    assert agree(shop)
    shop.mine(3)
    assert (booked(shop, AccountKind.GAS), booked(shop, AccountKind.GAS, usdt(shop))) == (ETHER, 5)
    assert booked(shop, AccountKind.MASTER) == 0
    assert booked(shop, AccountKind.FUNDING) == -ETHER
    assert not why_frozen(shop)
    assert agree(shop)


def test_f31_a_reorganisation_past_finality_books_it_back_and_again(shop: Shop, own: str) -> None:
    shop.chain.send(own, ETHER)
    shop.mine(4)
    shop.chain.reorg(4)
    shop.look()
    assert booked(shop, AccountKind.GAS) == booked(shop, AccountKind.FUNDING) == 0
    resume(shop.gateway, shop.code, actor="cli:test")
    shop.verify()
    shop.mine(4)
    assert booked(shop, AccountKind.GAS) == ETHER
    assert check(shop.gateway) == []


def test_what_leaves_it_unsigned_by_us_freezes_its_network_and_is_booked_out(shop: Shop, own: str) -> None:
    shop.chain.send(own, ETHER)
    shop.mine(4)
    shop.chain.send(shop.chain.payer, ETHER // 2, sender=own)
    shop.mine(4)
    assert f"left the gas station {own}" in why_frozen(shop)
    assert booked(shop, AccountKind.GAS) == ETHER - ETHER // 2


def test_on_each_network_of_its_family_what_comes_there_is_booked_for_that_network_alone(
    open_shop_with: Callable[..., Shop],
) -> None:
    """One address, one key: a network on which it was never chosen watches it all the same."""
    first, second = open_shop_with("evm"), open_shop_with("fake2")
    merchant = first.principal.merchant_id
    address = set_gas_station(first.gateway, merchant, "evm", own=True, actor="cli:test").address
    second.chain.send(address, ETHER)
    second.mine(4)
    first.chain.send(address, 5)
    first.mine(4)

    def free(shop: Shop) -> int:
        with shop.gateway.db.read() as session:
            return available(session, merchant, False, shop.code, "", AccountKind.GAS)

    assert (free(first), free(second)) == (5, ETHER)
    assert agree(first)
    assert agree(second)
    second.chain.send(second.chain.payer, ETHER // 4, sender=address)
    second.mine(4)
    assert "left the gas station" in why_frozen(second)
    assert not why_frozen(first)
    assert (free(first), free(second)) == (5, ETHER - ETHER // 4)


def test_f23_what_it_sends_to_a_deposit_address_is_no_payment(shop: Shop, own: str) -> None:
    invoice = shop.ask("1", "ETH")
    shop.chain.fund(own, ETHER)
    sign(shop, shop.chain.send(invoice.option.address, ETHER // 2, sender=own))
    shop.mine(4)
    assert shop.state(invoice).payments == ()
    assert booked(shop, AccountKind.RECEIPTS) == 0
    assert not why_frozen(shop)


def test_f23_no_less_where_this_database_has_never_heard_of_that_address(shop: Shop) -> None:
    """An old copy that was put back knows neither the choice nor the transaction: the seed tells."""
    invoice, network = shop.ask("1", "ETH"), shop.watcher.network
    with shop.gateway.db.read() as session:
        unknown = wallet_address(session, network, 0, 2) or ""
    shop.chain.fund(unknown, ETHER)
    shop.chain.send(invoice.option.address, ETHER // 2, sender=unknown)
    shop.mine(4)
    assert shop.state(invoice).payments == ()
    assert booked(shop, AccountKind.RECEIPTS) == 0


def test_what_the_master_wallet_sends_there_by_hand_is_booked_at_both_ends(shop: Shop, own: str) -> None:
    shop.chain.send(master(shop), ETHER)
    shop.mine(4)
    shop.chain.send(own, ETHER // 4, sender=master(shop))
    shop.mine(4)
    assert booked(shop, AccountKind.GAS) == ETHER // 4
    assert booked(shop, AccountKind.MASTER) == ETHER - ETHER // 4
    assert booked(shop, AccountKind.FUNDING) == -ETHER
    assert [each.leaves for each in rows(shop)] == [False, True, False]


@pytest.mark.usefixtures("cheap")
def test_a_restore_brings_the_choice_back_and_what_lies_there(
    shop: Shop, own: str, elsewhere: Gateway, merchant: MerchantView
) -> None:
    fund(shop, own, 777)
    bring_back(elsewhere, contents_of(shop.gateway))
    assert held(elsewhere, merchant, AccountKind.GAS) == 777
    assert held(elsewhere, merchant, AccountKind.MASTER) == 0
    with elsewhere.db.read() as session:
        station = gas_station(session, shop.watcher.network, merchant.id, merchant.account_index)
    assert (station.own, station.address) == (True, own)
    assert check(elsewhere) == []


@pytest.mark.usefixtures("cheap")
def test_what_fuels_by_a_backup_is_watched_though_the_restore_breaks_off_before_it_could_look(
    shop: Shop, own: str, elsewhere: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_arguments: object, **_named: object) -> LateAccounts:
        raise NodeUnavailable("evm", "it is away")

    monkeypatch.setattr("cloudpay.payments.restore.find_accounts", away)
    with pytest.raises(NodeUnavailable):
        bring_back(elsewhere, contents_of(shop.gateway))
    assert watched(elsewhere, own)


@pytest.mark.usefixtures("cheap")
def test_a_restore_finds_what_lies_at_one_that_was_chosen_after_the_backup(
    shop: Shop, elsewhere: Gateway, merchant: MerchantView
) -> None:
    contents = contents_of(shop.gateway)
    own = set_gas_station(shop.gateway, merchant.id, "evm", own=True, actor="cli:test").address
    fund(shop, own, 777)
    bring_back(elsewhere, contents)
    assert watched(elsewhere, own)
    assert held(elsewhere, merchant, AccountKind.GAS) == 777


@pytest.mark.usefixtures("cheap")
def test_a_second_restore_leaves_what_was_chosen_since(
    shop: Shop, own: str, elsewhere: Gateway, merchant: MerchantView
) -> None:
    contents = contents_of(shop.gateway)
    assert [each.merchant_id for each in contents.gas_stations] == [merchant.id]
    bring_back(elsewhere, contents)
    set_gas_station(elsewhere, merchant.id, "evm", own=False, actor="cli:test")
    bring_back(elsewhere, contents)
    with elsewhere.db.read() as session:
        assert not gas_station(session, shop.watcher.network, merchant.id, 0).own


@pytest.mark.usefixtures("cheap")
def test_f117_a_merchant_that_came_after_the_backup_is_found_by_its_gas_station(
    shop: Shop, elsewhere: Gateway
) -> None:
    contents = contents_of(shop.gateway)
    late = create_merchant(shop.gateway, "Late", livemode=False, payout_currencies={}, actor="cli:test")
    fund(shop, set_gas_station(shop.gateway, late.id, "evm", own=True, actor="cli:test").address, 777)
    [kept] = bring_back(elsewhere, contents).late
    assert kept.account_index == late.account_index
    assert held(elsewhere, kept, AccountKind.GAS) == 777
