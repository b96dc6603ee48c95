"""A TRON wallet that is lost with everything comes back from its backup: addresses, what lies there, and payouts."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudpay.ledger.audit import check
from cloudpay.ledger.types import AccountKind
from cloudpay.reconciliation.service import Patience, reconcile
from cloudpay.transactions import control
from cloudpay.wallets.freezes import EVERYWHERE
from cloudpay.wallets.masters import master_wallet
from cloudpay_devnet.tron.network import TronChain
from tests.flows.databases import NewDatabase
from tests.flows.realshop import RealShop
from tests.flows.reborn import Rebirth, Reborn, back_up_shop, pay_out_of_the_old, rebirths
from tests.flows.tronshop import DOLLAR, TRX, begin, open_tron_shop

pytestmark = pytest.mark.flow

FINAL_AFTER = 2


@pytest.fixture
def chain(tron_process: TronChain) -> TronChain:
    return begin(tron_process, FINAL_AFTER)


@pytest.fixture
def shop(tmp_path: Path, chain: TronChain, new_database: NewDatabase) -> Iterator[RealShop]:
    folder = tmp_path / "old"
    folder.mkdir()
    with open_tron_shop(folder, chain, new_database()) as opened:
        yield opened


@pytest.fixture
def reborn(shop: RealShop, tmp_path: Path, new_database: NewDatabase) -> Iterator[Rebirth]:
    with rebirths(shop, tmp_path, new_database) as rebirth:
        yield rebirth


def go_on(new: Reborn, chain: TronChain) -> None:
    """Have what was sent become final."""
    for _ in range(FINAL_AFTER + 1):
        chain.node.mine()
        new.look()
    new.sender.work(look=True)


def test_f117_a_lost_wallet_finds_its_tron_addresses_and_all_that_lies_there_and_pays_again(
    shop: RealShop, chain: TronChain, reborn: Rebirth
) -> None:
    merchant = shop.principal.merchant_id
    master = master_wallet(shop.gateway, shop.gateway.chains.network("tron"), merchant)
    chain.fund(master.address, "TRX", 500 * TRX)
    first, second = shop.ask("10", "USDT"), shop.ask("30", "TRX")
    chain.pay("USDT", first.option.address, 10 * DOLLAR)
    chain.pay("TRX", second.option.address, 30 * TRX)
    shop.mine(FINAL_AFTER + 1)
    pay_out_of_the_old(shop)
    data = back_up_shop(shop)
    later = shop.ask("7", "USDT")  # handed out after the backup was made
    chain.pay("USDT", later.option.address, 7 * DOLLAR)
    chain.node.mine(FINAL_AFTER + 1)
    in_master = chain.balance("TRX", master.address)
    shop.gateway.db.close()
    shutil.rmtree(shop.gateway.settings.data_path)

    new = reborn(data)

    assert new.report and new.report.restored.fresh and list(new.report.opened) == ["tron"]
    assert new.master(merchant).address == master.address
    assert new.held(merchant, "USDT", AccountKind.DEPOSITS) == 17 * DOLLAR
    assert new.held(merchant, "TRX", AccountKind.DEPOSITS) == 30 * TRX
    assert new.held(merchant, "TRX", AccountKind.MASTER) == in_master
    assert check(new.gateway) == []

    chain.pay("USDT", first.option.address, 3 * DOLLAR)  # an old address is still watched
    go_on(new, chain)
    assert new.held(merchant, "USDT", AccountKind.DEPOSITS) == 20 * DOLLAR

    new.price()
    to = new.pay(merchant, "after", 2 * TRX)
    new.sender.work(look=True)
    assert new.status("after") == "queued", "nothing goes out before a person has compared"
    control.thaw(new.gateway, EVERYWHERE, "compared", reconciled=True, actor="cli:test")
    new.sender.work(look=True)
    go_on(new, chain)
    assert new.status("after") == "confirmed"
    assert chain.balance("TRX", to) == 2 * TRX
    assert new.held(merchant, "TRX", AccountKind.MASTER) == chain.balance("TRX", master.address)
    assert not reconcile(new.gateway, "tron", Patience(lambda: None)).drifts
