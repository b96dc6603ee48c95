"""Which address fuels a merchant's deposit addresses, where it lies, and who says so."""

import pytest
from sqlalchemy import select

from cloudpay.audit.models import AuditEntry
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.spending import KeyPath
from cloudpay.chains.types import DEPOSIT_CHAIN, GAS_CHAIN, MASTER_CHAIN
from cloudpay.ledger.types import AccountKind
from cloudpay.merchants.errors import InvalidField, UnknownMerchant
from cloudpay.merchants.service import MerchantView, create_merchant
from cloudpay.wallets.gas import GasStation, all_gas_wallets, all_wallets, gas_station, wallets
from cloudpay.wallets.gas_choice import gas_station_view, set_gas_station
from cloudpay.wallets.masters import master_wallet
from cloudpay.wallets.service import account_key, is_wallet, master_address, ours

FAMILY = "fake"


def fuel(gateway: Gateway, merchant: MerchantView, code: str = "evm") -> GasStation:
    with gateway.db.read() as session:
        return gas_station(session, gateway.chains.network(code), merchant.id, merchant.account_index)


def choose(gateway: Gateway, merchant: MerchantView, *, own: bool, code: str = "evm") -> str:
    return set_gas_station(gateway, merchant.id, code, own=own, actor="cli:test").address


def audited(gateway: Gateway) -> list[tuple[str, str]]:
    with gateway.db.read() as session:
        rows = session.scalars(select(AuditEntry).where(AuditEntry.action == "merchant.gas_station_set"))
        return [(each.subject, each.details["own"]) for each in rows]


def test_it_is_the_master_wallet_unless_set_otherwise(gateway: Gateway, merchant: MerchantView) -> None:
    network = gateway.chains.network("evm")
    found = fuel(gateway, merchant)
    assert found.address == master_address(gateway, network, merchant.account_index)
    assert (found.path.chain, found.purse, found.own) == (MASTER_CHAIN, AccountKind.MASTER, False)


def test_one_of_its_own_is_the_first_address_of_a_chain_that_nothing_else_uses(
    gateway: Gateway, merchant: MerchantView
) -> None:
    address, network = choose(gateway, merchant, own=True), gateway.chains.network("evm")
    xpub = account_key(gateway, FAMILY, merchant.account_index)
    assert address == network.addresses.derive(xpub, GAS_CHAIN, 0)
    assert GAS_CHAIN not in {DEPOSIT_CHAIN, MASTER_CHAIN}
    found = fuel(gateway, merchant)
    assert found == GasStation(address, KeyPath(merchant.account_index, GAS_CHAIN, 0))
    assert (found.purse, found.own) == (AccountKind.GAS, True)


def test_it_is_chosen_for_one_network_and_one_merchant_alone(
    gateway: Gateway, merchant: MerchantView
) -> None:
    other = create_merchant(gateway, "Coffee", livemode=False, payout_currencies={}, actor="cli:test")
    choose(gateway, merchant, own=True)
    assert fuel(gateway, merchant).own
    assert not fuel(gateway, merchant, "fake2").own
    assert not fuel(gateway, other).own


def test_its_address_is_watched_from_the_moment_it_is_told_and_for_ever(
    gateway: Gateway, merchant: MerchantView
) -> None:
    with gateway.db.read() as session:
        assert all_gas_wallets(session, FAMILY) == []
    address = choose(gateway, merchant, own=True)
    assert choose(gateway, merchant, own=True) == address
    choose(gateway, merchant, own=False)
    with gateway.db.read() as session:
        assert ours(session, FAMILY, [address]) == {address}
        [wallet] = all_gas_wallets(session, FAMILY)
        assert wallets(session, FAMILY, [address]) == {address: wallet}
    assert (wallet.merchant_id, wallet.livemode) == (merchant.id, merchant.livemode)


def test_both_wallets_of_an_account_are_told_from_other_addresses(
    gateway: Gateway, merchant: MerchantView
) -> None:
    network = gateway.chains.network("evm")
    master, own = master_wallet(gateway, network, merchant.id), choose(gateway, merchant, own=True)
    with gateway.db.read() as session:
        assert {each.address for each in all_wallets(session, FAMILY)} == {master.address, own}
        told = [is_wallet(session, network, 0, each) for each in (master.address, own, "0xelse")]
        assert told == [True, True, False]
        assert not is_wallet(session, network, 1, own)
        assert not is_wallet(session, network, 10_000, own)


def test_a_change_is_audited_and_what_changes_nothing_is_not(
    gateway: Gateway, merchant: MerchantView
) -> None:
    for own in (False, True, True, False):
        choose(gateway, merchant, own=own)
    assert audited(gateway) == [(merchant.id, "true"), (merchant.id, "false")]


def test_what_is_left_behind_is_shown_after_it_went_back(gateway: Gateway, merchant: MerchantView) -> None:
    own = choose(gateway, merchant, own=True)
    view = gas_station_view(gateway, merchant.id, "evm")
    assert (view.own, view.address, view.left_at) == (True, own, "")
    choose(gateway, merchant, own=False)
    view = gas_station_view(gateway, merchant.id, "evm")
    assert (view.own, view.left_at, view.left_behind) == (False, own, 0)


def test_a_network_of_the_other_mode_and_an_unknown_merchant_are_refused(
    gateway: Gateway, merchant: MerchantView
) -> None:
    live = create_merchant(gateway, "Live", livemode=True, payout_currencies={}, actor="cli:test")
    with pytest.raises(InvalidField, match="is no live network"):
        choose(gateway, live, own=True)
    with pytest.raises(UnknownMerchant):
        set_gas_station(gateway, "mer_nobody", "evm", own=True, actor="cli:test")
    with gateway.db.read() as session:
        assert all_gas_wallets(session, FAMILY) == []
