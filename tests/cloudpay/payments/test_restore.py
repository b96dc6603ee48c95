"""Restores: into nothing, into an older database, never over another wallet; sending halts, and no address is lost."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.gateway import Gateway
from cloudpay.invoices.models import InvoiceRow, PaymentOptionRow
from cloudpay.kernel.errors import InvalidRequest
from cloudpay.kernel.leases import acquire
from cloudpay.kernel.secrets import KEY_BYTES, SealKey
from cloudpay.ledger.audit import check
from cloudpay.ledger.types import AccountKind
from cloudpay.merchants.service import MerchantView, list_merchants
from cloudpay.outbox.service import backlog
from cloudpay.payments.models import NativeWatchRow, PaymentRow
from cloudpay.payments.openings import OpeningRow, WatchedMeanwhile, look, open_network
from cloudpay.payments.rescan import rescan
from cloudpay.payments.states import PaymentStatus
from cloudpay.sweeps.manual import waiting
from cloudpay.testing import FakePlugin
from cloudpay.transactions.control import NotCompared, thaw
from cloudpay.wallets.backup_errors import GatewayRunning, OtherWallet
from cloudpay.wallets.freezes import EVERYWHERE
from cloudpay.wallets.masters import master_wallet
from cloudpay.wallets.models import AddressRangeRow, DepositAddressRow, SealedSeedRow
from cloudpay.wallets.service import plan_deposit
from cloudpay.wallets.setup import init_wallet, open_wallet
from cloudpay.wallets.switch import why_frozen
from tests.cloudpay.payments.restoring import (
    AHEAD,
    OTHER_WORDS,
    SEAL_KEY,
    bring_back,
    contents_of,
    held,
    watched,
)
from tests.cloudpay.shop import Shop, bring_to_rest

pytestmark = pytest.mark.usefixtures("cheap")


def test_every_address_comes_back_watched_and_what_lies_there_is_booked_once(
    shop: Shop, elsewhere: Gateway, merchant: MerchantView
) -> None:
    invoices = [shop.ask() for _ in range(3)]
    for each in invoices:
        shop.pay(each)
    shop.mine(5)
    contents = contents_of(shop.gateway)
    bring_back(elsewhere, contents)
    again = bring_back(elsewhere, contents)
    assert not again.restored.fresh and list(again.opened) == []
    assert all(watched(elsewhere, each.option.address) for each in invoices)
    assert held(elsewhere, merchant, AccountKind.DEPOSITS) == 3 * invoices[0].option.amount
    assert check(elsewhere) == []


def test_what_lies_at_a_restored_address_waits_to_be_collected(shop: Shop, elsewhere: Gateway) -> None:
    invoice = shop.ask()
    shop.pay(invoice)
    shop.mine(5)
    bring_back(elsewhere, contents_of(shop.gateway))
    bring_to_rest(elsewhere)
    assert backlog(elsewhere).failing == 0
    lines = waiting(elsewhere, elsewhere.chains.network("evm"))
    assert [(each.address, each.action) for each in lines] == [(invoice.option.address, "leave")]


def test_an_address_that_was_handed_out_after_the_backup_is_found_by_its_money_and_looked_beyond(
    shop: Shop, elsewhere: Gateway, merchant: MerchantView
) -> None:
    contents = contents_of(shop.gateway)
    late = [shop.ask() for _ in range(AHEAD)]
    shop.pay(late[-1])
    shop.mine(5)
    later = shop.ask()
    bring_back(elsewhere, contents)
    assert held(elsewhere, merchant, AccountKind.DEPOSITS) == late[-1].option.amount
    assert watched(elsewhere, later.option.address)


def test_no_address_is_handed_out_a_second_time(shop: Shop, elsewhere: Gateway) -> None:
    used = {shop.ask().option.address for _ in range(3)}
    bring_back(elsewhere, contents_of(shop.gateway))
    planned = plan_deposit(elsewhere, elsewhere.chains.network("evm"), 0)
    assert planned.address not in used and not watched(elsewhere, planned.address)


def test_what_comes_later_to_an_address_without_its_invoice_is_credited_and_stops_nothing(
    shop: Shop, elsewhere: Gateway, merchant: MerchantView
) -> None:
    invoice = shop.ask()
    shop.mine(5)
    bring_back(elsewhere, contents_of(shop.gateway))
    new = Shop(
        elsewhere, shop.principal, shop.code, shop.chain,
        type(shop.watcher)(elsewhere, shop.watcher.network, shop.watcher.adapter, type(shop.watcher.keeper)(
            elsewhere.db, elsewhere.clock, "watch:evm", "new", shop.watcher.keeper.ttl)),
    )  # fmt: skip
    new.verify()
    new.pay(invoice)
    new.mine(5)
    new.mine(1)
    assert held(elsewhere, merchant, AccountKind.DEPOSITS) == invoice.option.amount
    with elsewhere.db.read() as session:
        [payment] = session.scalars(select(PaymentRow)).all()
        assert session.scalars(select(InvoiceRow)).all() == []
    assert (payment.status, payment.invoice_id) == (PaymentStatus.FINAL, "")


def test_a_restored_gateway_signs_nothing_until_it_is_thawed(shop: Shop, elsewhere: Gateway) -> None:
    bring_back(elsewhere, contents_of(shop.gateway))
    with elsewhere.db.read() as session:
        found = why_frozen(session, elsewhere.settings, "evm")
    assert found is not None and "restored from a backup" in found.reason
    assert (Path(elsewhere.settings.data_dir) / "frozen").exists()
    with pytest.raises(NotCompared):
        thaw(elsewhere, EVERYWHERE, "it will be fine", actor="cli:test")
    thaw(elsewhere, EVERYWHERE, "compared", reconciled=True, actor="cli:test")
    with elsewhere.db.read() as session:
        assert why_frozen(session, elsewhere.settings, "evm") is None


def test_another_wallet_is_never_overwritten(shop: Shop, elsewhere: Gateway) -> None:
    init_wallet(elsewhere, SEAL_KEY, mnemonic=OTHER_WORDS, accounts=2, actor="cli:test")
    with elsewhere.db.read() as session:
        before = session.scalars(select(SealedSeedRow.sealed)).one()
    with pytest.raises(OtherWallet, match="another wallet"):
        bring_back(elsewhere, contents_of(shop.gateway))
    with elsewhere.db.read() as session:
        assert session.scalars(select(SealedSeedRow.sealed)).one() == before
        assert why_frozen(session, elsewhere.settings, "evm") is None
    assert list_merchants(elsewhere) == ()


def test_a_merchant_with_another_account_is_another_wallets(shop: Shop, elsewhere: Gateway) -> None:
    contents = contents_of(shop.gateway)
    bring_back(elsewhere, contents)
    [merchant] = contents.merchants
    moved = replace(contents, merchants=(replace(merchant, account_index=1),))
    with pytest.raises(OtherWallet, match="account"):
        bring_back(elsewhere, moved)


def test_f117_an_older_database_learns_of_the_addresses_that_came_after_it(shop: Shop) -> None:
    old = shop.ask()
    late = shop.ask()
    contents = contents_of(shop.gateway)
    shop.watcher.keeper.release()

    def put_back_a_dump(session: Session) -> None:
        session.execute(delete(NativeWatchRow).where(NativeWatchRow.address == late.option.address))
        session.execute(delete(PaymentOptionRow).where(PaymentOptionRow.invoice_id == late.id))
        session.execute(delete(InvoiceRow).where(InvoiceRow.id == late.id))
        session.execute(delete(DepositAddressRow).where(DepositAddressRow.address == late.option.address))
        session.execute(update(AddressRangeRow).values(next_index=1))

    shop.gateway.db.run(put_back_a_dump)
    assert not watched(shop.gateway, late.option.address)
    report = bring_back(shop.gateway, contents)
    assert (
        not report.restored.fresh and "evm" not in report.opened
    )  # its watcher reads on from the dump's block
    assert watched(shop.gateway, late.option.address)
    shop.pay(late)
    shop.pay(old)
    shop.mine(5)
    assert shop.held() == late.option.amount + old.option.amount
    assert shop.state(old).status == "paid"


def test_a_lost_seal_key_is_replaced_by_a_restore_into_the_same_database(shop: Shop) -> None:
    contents = contents_of(shop.gateway)
    shop.watcher.keeper.release()
    new_key = SealKey(b"n" * KEY_BYTES)
    bring_back(shop.gateway, contents, new_key)
    assert open_wallet(shop.gateway, new_key, []).fingerprint == contents.fingerprint


def test_nothing_is_restored_under_a_running_gateway(shop: Shop, elsewhere: Gateway) -> None:
    contents = contents_of(shop.gateway)
    assert acquire(elsewhere.db, elsewhere.clock, "watch:evm", "somebody", shop.watcher.keeper.ttl)
    with pytest.raises(GatewayRunning, match="Stop every process"):
        bring_back(elsewhere, contents)


def test_nothing_is_written_while_a_node_is_away(shop: Shop, elsewhere: Gateway, fakes: FakePlugin) -> None:
    contents = contents_of(shop.gateway)
    shop.chain.go_down()
    with pytest.raises(NodeUnavailable):
        bring_back(elsewhere, contents)
    assert list_merchants(elsewhere) == ()
    shop.chain.come_back()
    assert bring_back(elsewhere, contents).restored.fresh


def test_blocks_that_the_opening_stands_for_are_not_read_again(shop: Shop, elsewhere: Gateway) -> None:
    shop.pay(shop.ask())
    shop.mine(5)
    report = bring_back(elsewhere, contents_of(shop.gateway))
    [at] = [each.at.height for each in report.found if each.network.code == "evm"]
    with pytest.raises(InvalidRequest, match=f"Read from {at + 1} on"):
        rescan(elsewhere, "evm", at, at, lambda _height, _found: None)


def test_a_network_that_took_payments_before_the_opening_is_not_booked_twice(
    shop: Shop, elsewhere: Gateway, merchant: MerchantView
) -> None:
    """Somebody started the watcher after a restore that broke off in the middle."""
    invoice = shop.ask()
    contents = contents_of(shop.gateway)
    bring_back(elsewhere, contents)

    def unopened(session: Session) -> None:
        session.execute(update(OpeningRow).values(block_height=None, block_hash=None))

    elsewhere.db.run(unopened)
    shop.pay(invoice)
    shop.mine(5)
    found = look(elsewhere, elsewhere.chains.network("evm"))
    elsewhere.db.run(lambda session: open_network(session, elsewhere, found))
    elsewhere.db.run(unopened)
    with pytest.raises(WatchedMeanwhile):
        elsewhere.db.run(lambda session: open_network(session, elsewhere, found))
    assert held(elsewhere, merchant, AccountKind.DEPOSITS) == invoice.option.amount


def test_the_master_wallet_comes_back_with_its_money(
    shop: Shop, elsewhere: Gateway, merchant: MerchantView
) -> None:
    master = master_wallet(shop.gateway, shop.watcher.network, merchant.id)
    shop.chain.fund(master.address, 10**9)
    shop.mine(5)
    bring_back(elsewhere, contents_of(shop.gateway))
    assert held(elsewhere, merchant, AccountKind.MASTER) == 10**9
    assert master_wallet(elsewhere, shop.watcher.network, merchant.id) == master
