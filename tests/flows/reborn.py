"""A gateway on a new machine: nothing of the old one is there but the backup file."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cloudpay.chains.gateway import Gateway, bind
from cloudpay.chains.network import Network
from cloudpay.chains.registry import load_chains
from cloudpay.kernel.db import Database
from cloudpay.kernel.leases import LeaseKeeper
from cloudpay.kernel.secrets import KEY_BYTES, SealKey, read_or_create_key
from cloudpay.kernel.settings import Settings
from cloudpay.ledger.service import balances
from cloudpay.ledger.types import AccountKind
from cloudpay.payments.health import verify
from cloudpay.payments.loop import LEASE_TTL
from cloudpay.payments.networks import require_open
from cloudpay.payments.restore import Report, restore
from cloudpay.payments.watcher import Watcher
from cloudpay.tables import metadata
from cloudpay.transactions.journal import Journal
from cloudpay.transactions.sender import Sender
from cloudpay.transactions.service import spends, want_quotes
from cloudpay.transactions.station import Station
from cloudpay.wallets.backups import back_up, open_backup
from cloudpay.wallets.masters import MasterWallet, master_wallet
from tests.cloudpay.shop import bring_to_rest
from tests.flows.databases import NewDatabase
from tests.flows.realshop import RealShop
from tests.flows.tills import new_sender, recipient, request_payouts

PASSPHRASE = "correct horse battery staple"
AHEAD = 20


@dataclass
class Reborn:
    """The gateway there, on one network."""

    gateway: Gateway
    network: Network
    watcher: Watcher
    sender: Sender
    report: Report | None

    def look(self) -> None:
        """Poll, hand every event on, and check the ledger."""
        self.watcher.poll()
        bring_to_rest(self.gateway)

    def price(self) -> None:
        """Have the sender ask what sending costs."""
        self.gateway.db.run(lambda session: want_quotes(session, self.gateway, self.network.code))
        self.sender.work(look=True)

    def master(self, merchant_id: str) -> MasterWallet:
        """Answer a merchant's master wallet."""
        return master_wallet(self.gateway, self.network, merchant_id)

    def pay(self, merchant_id: str, name: str, amount: int) -> str:
        """Queue one payout of native coins, reserved as payouts are; answer who gets it."""
        to = recipient(name, self.network.key_family.name)
        native = self.network.native.symbol
        request_payouts(self.gateway, self.network, self.master(merchant_id), native, amount, {name: to})
        return to

    def status(self, name: str) -> str:
        """Answer how a payout stands."""
        with self.gateway.db.read() as session:
            return spends(session, [name])[name].status.value

    def held(self, merchant_id: str, symbol: str, kind: AccountKind) -> int:
        """Answer what the books say."""
        asset = self.network.asset(symbol).key
        with self.gateway.db.read() as session:
            found = balances(session, merchant_id, livemode=False)
        return sum(
            each.debits - each.credits
            for key, each in found.items()
            if (key.asset, key.kind) == (asset, kind)
        )


Rebirth = Callable[[bytes], Reborn]


@contextmanager
def rebirths(shop: RealShop, folder: Path, new_database: NewDatabase) -> Iterator[Rebirth]:
    """Yield what restores a backup on a machine that has nothing, beside the same node."""
    with ExitStack() as stack:
        code = shop.code

        def build(data: bytes) -> Reborn:
            home = folder / "new"
            home.mkdir(exist_ok=True)
            url = new_database() or f"sqlite:///{home / 'gateway.db'}"
            settings = replace_settings(shop.gateway, home, url)
            db = Database(url)
            metadata.create_all(db.engine)
            stack.callback(db.close)
            chains = load_chains(settings.networks, code)
            gateway = Gateway(settings, db, shop.clock, chains, shop.gateway.app_key)
            bind(gateway)
            seal_key = SealKey(read_or_create_key(settings.seal_key_path))
            contents = open_backup(data, PASSPHRASE, "the backup")
            report = restore(
                gateway, seal_key, contents, actor="cli:test", ahead=AHEAD, tell=lambda _what: None
            )
            network, adapter = chains.network(code), chains.adapter(code)
            verify(gateway, network, adapter)
            watching = LeaseKeeper(db, shop.clock, f"watch:{code}", "new", LEASE_TTL)
            keeper = LeaseKeeper(db, shop.clock, f"send:{code}", "new", LEASE_TTL)
            journal = Journal(settings.journal_path)
            sender = Sender(Station(gateway, network, chains.spending(code), keeper, require_open, journal))
            stack.callback(chains.close)
            return Reborn(gateway, network, Watcher(gateway, network, adapter, watching), sender, report)

        yield build


def replace_settings(gateway: Gateway, home: Path, url: str) -> Settings:
    """The same settings on another machine."""
    return msgspec.structs.replace(gateway.settings, data_dir=str(home), database_url=url)


def back_up_shop(shop: RealShop) -> bytes:
    """Write the wallet's backup."""
    return back_up(shop.gateway, SealKey(bytes(KEY_BYTES)), PASSPHRASE, actor="cli:test")


def old_gateway(shop: RealShop) -> Reborn:
    """The gateway of a shop, before anything was restored."""
    network = shop.gateway.chains.network(shop.code)
    return Reborn(shop.gateway, network, shop.watchers[shop.code], new_sender(shop, network), None)


def pay_out_of_the_old(shop: RealShop) -> None:
    """Have the master wallet sign something, so that its next nonce is not the first one."""
    old = old_gateway(shop)
    old.price()
    old.pay(shop.principal.merchant_id, "before", 1_000)
    old.sender.work(look=True)
    shop.mine(3)
    old.sender.work(look=True)
    assert old.status("before") == "confirmed"
