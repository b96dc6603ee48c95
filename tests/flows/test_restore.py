"""A wallet's whole way round on a real node: paid, backed up, lost with everything else, restored, and paying again."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway, bind
from cloudpay.chains.registry import load_chains
from cloudpay.chains.spending import FeeTier
from cloudpay.kernel.db import Database
from cloudpay.kernel.leases import LeaseKeeper
from cloudpay.kernel.secrets import KEY_BYTES, SealKey, read_or_create_key
from cloudpay.kernel.settings import Settings
from cloudpay.ledger.audit import check
from cloudpay.ledger.outgoing import Outgoing, post_reserve_many
from cloudpay.ledger.service import balances
from cloudpay.ledger.types import AccountKind
from cloudpay.payments.health import verify
from cloudpay.payments.loop import LEASE_TTL
from cloudpay.payments.networks import require_open
from cloudpay.payments.restore import Report, restore
from cloudpay.payments.watcher import Watcher
from cloudpay.tables import metadata
from cloudpay.transactions import control
from cloudpay.transactions.journal import Journal
from cloudpay.transactions.models import AttemptRow, ClaimRow, SpendRow, TransactionRow
from cloudpay.transactions.sender import Sender
from cloudpay.transactions.service import fee_quotes, request_spends, spends, want_quotes
from cloudpay.transactions.station import Station
from cloudpay.transactions.types import SpendKind, SpendRequest
from cloudpay.wallets.backups import back_up, open_backup
from cloudpay.wallets.freezes import EVERYWHERE
from cloudpay.wallets.masters import MasterWallet, master_wallet
from cloudpay.wallets.switch import why_frozen
from cloudpay_devnet.chain import DevChain
from tests.cloudpay.shop import bring_to_rest
from tests.flows.databases import NewDatabase
from tests.flows.realshop import RealShop, network_table, open_real_shop
from tests.flows.test_sending import new_sender, recipient

pytestmark = pytest.mark.flow

ETHER = 10**18
PASSPHRASE = "correct horse battery staple"
AHEAD = 20


@dataclass
class Reborn:
    """The gateway on a new machine: nothing of the old one is there but the backup file."""

    gateway: Gateway
    watcher: Watcher
    sender: Sender
    report: Report
    chain: DevChain

    def look(self) -> None:
        """Poll, hand every event on, and check the ledger."""
        self.watcher.poll()
        bring_to_rest(self.gateway)

    def master(self, merchant_id: str) -> MasterWallet:
        """Answer a merchant's master wallet."""
        return master_wallet(self.gateway, self.gateway.chains.network("evm"), merchant_id)

    def pay(self, merchant_id: str, name: str, amount: int) -> None:
        """Queue one payout of native coins, reserved as payouts are."""
        master = self.master(merchant_id)

        def work(session: Session) -> None:
            fee = fee_quotes(session, "evm")[FeeTier.MEDIUM, ""]
            request = SpendRequest(
                name, SpendKind.PAYOUT, merchant_id, False, "evm", master.address, master.path, recipient(name), "",
                amount, FeeTier.MEDIUM, fee,
            )  # fmt: skip
            promised = Outgoing(name, merchant_id, False, "evm", "", amount, fee)
            post_reserve_many(session, [promised], self.gateway.clock.now(session))
            request_spends(session, self.gateway, [request])

        self.gateway.db.run(work)

    def status(self, name: str) -> str:
        """Answer how a payout stands."""
        with self.gateway.db.read() as session:
            return spends(session, [name])[name].status.value

    def held(self, merchant_id: str, symbol: str, kind: AccountKind) -> int:
        """Answer what the books say."""
        asset = self.gateway.chains.network("evm").asset(symbol).key
        with self.gateway.db.read() as session:
            found = balances(session, merchant_id, livemode=False)
        return sum(
            each.debits - each.credits
            for key, each in found.items()
            if (key.asset, key.kind) == (asset, kind)
        )


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
def reborn(shop: RealShop, tmp_path: Path, new_database: NewDatabase) -> Iterator[Callable[[bytes], Reborn]]:
    """Restore a backup on a machine that has nothing, beside the same node."""
    with ExitStack() as stack:

        def build(data: bytes, folder: str = "new", url: str = "") -> Reborn:
            home = tmp_path / folder
            home.mkdir(exist_ok=True)
            url = url or new_database() or f"sqlite:///{home / 'gateway.db'}"
            settings = replace_settings(shop.gateway, home, url)
            db = Database(url)
            metadata.create_all(db.engine)
            stack.callback(db.close)
            chains = load_chains(settings.networks, "evm")
            gateway = Gateway(settings, db, shop.clock, chains, shop.gateway.app_key)
            bind(gateway)
            seal_key = SealKey(read_or_create_key(settings.seal_key_path))
            contents = open_backup(data, PASSPHRASE, "the backup")
            report = restore(
                gateway, seal_key, contents, actor="cli:test", ahead=AHEAD, tell=lambda _what: None
            )
            network, adapter = chains.network("evm"), chains.adapter("evm")
            verify(gateway, network, adapter)
            watcher = Watcher(
                gateway, network, adapter, LeaseKeeper(db, shop.clock, "watch:evm", "new", LEASE_TTL)
            )
            keeper = LeaseKeeper(db, shop.clock, "send:evm", "new", LEASE_TTL)
            journal = Journal(settings.journal_path)
            sender = Sender(Station(gateway, network, chains.spending("evm"), keeper, require_open, journal))
            stack.callback(chains.close)
            return Reborn(gateway, watcher, sender, report, shop.chain)

        yield build


def replace_settings(gateway: Gateway, home: Path, url: str) -> Settings:
    """The same settings on another machine."""
    return msgspec.structs.replace(gateway.settings, data_dir=str(home), database_url=url)


def back_up_shop(shop: RealShop) -> bytes:
    """Write the wallet's backup."""
    return back_up(shop.gateway, SealKey(bytes(KEY_BYTES)), PASSPHRASE, actor="cli:test")


def pay_out_of_the_old(shop: RealShop) -> None:
    """Have the master wallet sign something, so that its next nonce is not the first one."""
    gateway = shop.gateway
    network = gateway.chains.network("evm")
    sender = new_sender(shop, network)
    gateway.db.run(lambda session: want_quotes(session, gateway, "evm"))
    sender.work(look=True)
    old = Reborn(gateway, shop.watchers["evm"], sender, None, shop.chain)  # type: ignore[arg-type]  # nothing restored
    old.pay(shop.principal.merchant_id, "before", 1_000)
    sender.work(look=True)
    shop.mine(3)
    sender.work(look=True)
    assert old.status("before") == "confirmed"


def test_f117_a_wallet_lost_with_everything_comes_back_from_its_backup_and_pays_again(
    shop: RealShop, reborn: Callable[[bytes], Reborn]
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

    assert new.report.restored.fresh and list(new.report.opened) == ["evm"]
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

    new.gateway.db.run(lambda session: want_quotes(session, new.gateway, "evm"))
    new.sender.work(look=True)
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
    sender = new_sender(shop, network)
    old = Reborn(shop.gateway, shop.watchers["evm"], sender, None, shop.chain)  # type: ignore[arg-type]
    old.pay(shop.principal.merchant_id, "lost", 2_000)
    sender.work(look=True)
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
