"""A wallet's whole way round on a real node: paid, backed up, lost with everything else, restored, and paying again."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cloudpay.ledger.audit import check
from cloudpay.ledger.types import AccountKind
from cloudpay.transactions import control
from cloudpay.transactions.models import AttemptRow, ClaimRow, SpendRow, TransactionRow
from cloudpay.wallets.freezes import EVERYWHERE
from cloudpay.wallets.masters import master_wallet
from cloudpay.wallets.switch import why_frozen
from cloudpay_devnet.chain import DevChain
from tests.flows.databases import NewDatabase
from tests.flows.realshop import RealShop, network_table, open_real_shop
from tests.flows.reborn import Rebirth, back_up_shop, old_gateway, pay_out_of_the_old, rebirths
from tests.flows.tills import new_sender, recipient

pytestmark = pytest.mark.flow

ETHER = 10**18


@pytest.fixture
def shop(tmp_path: Path, evm_chain: DevChain, new_database: NewDatabase) -> Iterator[RealShop]:
    """A shop on one real node, with ETH in its master wallet."""
    folder = tmp_path / "old"
    folder.mkdir()
    with open_real_shop(
        folder, new_database(), {"evm": evm_chain}, {"evm": network_table(evm_chain)}
    ) as opened:
        opened.gateway.settings.seal_key_path.write_bytes(b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
        yield opened


@pytest.fixture
def reborn(shop: RealShop, tmp_path: Path, new_database: NewDatabase) -> Iterator[Rebirth]:
    """Restore a backup on a machine that has nothing, beside the same node."""
    with rebirths(shop, tmp_path, new_database) as rebirth:
        yield rebirth


def test_f117_a_wallet_lost_with_everything_comes_back_from_its_backup_and_pays_again(
    shop: RealShop, reborn: Rebirth
) -> None:
    merchant = shop.principal.merchant_id
    network = shop.gateway.chains.network("evm")
    master = master_wallet(shop.gateway, network, merchant)
    shop.chain.fund(master.address, "ETH", 5 * ETHER)
    first, second = shop.ask("10"), shop.ask("0.5", "ETH")
    shop.chain.fund(first.option.address, "USDT", 10_000_000)
    shop.chain.fund(second.option.address, "ETH", ETHER // 2)
    shop.finish()
    shop.mine(3)
    pay_out_of_the_old(shop)
    data = back_up_shop(shop)
    later = shop.ask("7")  # handed out after the backup was made
    shop.chain.fund(later.option.address, "USDT", 7_000_000)
    shop.mine(3)
    on_chain = {symbol: shop.chain.balance(symbol, master.address) for symbol in ("ETH", "USDT")}
    shop.gateway.db.close()
    shutil.rmtree(shop.gateway.settings.data_path)

    new = reborn(data)

    assert new.report and new.report.restored.fresh and list(new.report.opened) == ["evm"]
    assert new.master(merchant).address == master.address
    assert new.held(merchant, "USDT", AccountKind.DEPOSITS) == 17_000_000
    assert new.held(merchant, "ETH", AccountKind.DEPOSITS) == ETHER // 2
    assert new.held(merchant, "ETH", AccountKind.MASTER) == on_chain["ETH"]
    assert check(new.gateway) == []

    shop.chain.fund(first.option.address, "USDT", 3_000_000)  # an old address is still watched
    for _ in range(4):
        shop.chain.node.mine(1)
        new.look()
    assert new.held(merchant, "USDT", AccountKind.DEPOSITS) == 20_000_000

    new.price()
    new.pay(merchant, "after", 2_000)
    new.sender.work(look=True)
    assert new.status("after") == "queued"  # nothing goes out before a person has compared

    used = shop.chain.node.rpc.number("eth_getTransactionCount", master.address, "latest")
    assert used > 0, "the old gateway's payout was there"
    control.thaw(new.gateway, EVERYWHERE, "compared", reconciled=True, actor="cli:test")
    new.sender.work(look=True)
    shop.chain.node.mine(3)
    new.sender.work(look=True)
    assert new.status("after") == "confirmed"
    assert shop.chain.balance("ETH", recipient("after")) == 2_000
    with new.gateway.db.read() as session:
        assert session.scalars(select(ClaimRow.claim)).all() == [f"{master.address}:nonce:{used}"]
    for _ in range(4):
        shop.chain.node.mine(1)
        new.look()
    assert new.held(merchant, "ETH", AccountKind.MASTER) == shop.chain.balance("ETH", master.address)


def test_f117_an_old_database_without_its_journal_signs_nothing_since_the_chain_has_more(
    shop: RealShop,
) -> None:
    network = shop.gateway.chains.network("evm")
    master = master_wallet(shop.gateway, network, shop.principal.merchant_id)
    shop.chain.fund(master.address, "ETH", 5 * ETHER)
    shop.finish()
    pay_out_of_the_old(shop)
    old = old_gateway(shop)
    old.pay(shop.principal.merchant_id, "lost", 2_000)
    old.sender.work(look=True)
    shop.chain.node.mine(1)
    forget_newest(shop)
    shop.gateway.settings.journal_path.unlink()
    old.pay(shop.principal.merchant_id, "next", 3_000)
    again = new_sender(shop, network)
    again.work(look=True)
    assert old.status("next") == "queued"
    with shop.gateway.db.read() as session:
        found = why_frozen(session, shop.gateway.settings, "evm")
    assert found is not None and "more transactions" in found.reason
    control.thaw(shop.gateway, "evm", "compared", reconciled=True, actor="cli:test")
    again.work(look=True)
    shop.chain.node.mine(3)
    again.work(look=True)
    assert old.status("next") == "confirmed"


def forget_newest(shop: RealShop) -> None:
    """Put back a database from before the newest transaction was signed."""

    def work(session: Session) -> None:
        newest = session.scalars(select(TransactionRow.id).order_by(TransactionRow.id.desc())).first()
        session.execute(delete(ClaimRow).where(ClaimRow.transaction_id == newest))
        session.execute(delete(AttemptRow).where(AttemptRow.transaction_id == newest))
        session.execute(delete(SpendRow).where(SpendRow.transaction_id == newest))
        session.execute(delete(TransactionRow).where(TransactionRow.id == newest))

    shop.gateway.db.run(work)
