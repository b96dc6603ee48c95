"""A shop whose deposit addresses are collected, on a fake chain that a test drives block by block."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import select

from cloudpay.alerts.service import alert_views
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.invoices.views import InvoiceView
from cloudpay.kernel.leases import LeaseKeeper
from cloudpay.ledger.service import balances
from cloudpay.ledger.types import AccountKind
from cloudpay.sweeps.cold import collect_surplus
from cloudpay.sweeps.models import UnsweptRow
from cloudpay.sweeps.service import collect
from cloudpay.testing import FakeChain, FixedClock
from cloudpay.transactions.journal import Journal
from cloudpay.transactions.loop import LEASE_TTL
from cloudpay.transactions.models import SpendRow
from cloudpay.transactions.sender import Sender
from cloudpay.transactions.station import Station
from cloudpay.wallets.gas_choice import GasStationView, set_gas_station
from cloudpay.wallets.masters import MasterWallet, master_wallet
from cloudpay.wallets.models import DepositAddressRow, GasWalletRow
from tests.cloudpay.shop import Shop
from tests.cloudpay.transactions.desk import no_gate

_OURS = (
    AccountKind.DEPOSITS,
    AccountKind.TRANSIT,
    AccountKind.MASTER,
    AccountKind.RESERVED,
    AccountKind.GAS,
    AccountKind.GAS_RESERVED,
)


@dataclass
class Collector:
    """A shop, the sender of its network, and the scheduler's turns."""

    shop: Shop
    clock: FixedClock
    sender: Sender = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    @property
    def gateway(self) -> Gateway:
        return self.shop.gateway

    @property
    def network(self) -> Network:
        return self.shop.watcher.network

    @property
    def chain(self) -> FakeChain:
        return self.shop.chain

    @property
    def master(self) -> MasterWallet:
        return master_wallet(self.gateway, self.network, self.shop.principal.merchant_id)

    def restart(self) -> None:
        """Begin anew as processes do that were killed: nothing in memory is left."""
        keeper = LeaseKeeper(self.gateway.db, self.gateway.clock, "send:evm", "test", LEASE_TTL)
        journal = Journal(self.gateway.settings.journal_path)
        self.sender = Sender(Station(self.gateway, self.network, self.chain, keeper, no_gate, journal))

    def fund_master(self, amount: int = 10**6, symbol: str = "ETH") -> None:
        """Have somebody send money to the master wallet, and see it booked."""
        self.chain.send(self.master.address, amount, self.network.asset(symbol).contract)
        self.shop.mine(4)

    def choose_gas_station(self, *, own: bool) -> GasStationView:
        """Fuel from an address of its own, or from the master wallet."""
        merchant = self.shop.principal.merchant_id
        return set_gas_station(self.gateway, merchant, "evm", own=own, actor="cli:test")

    def fund_gas_station(self, amount: int = 10**6, symbol: str = "ETH") -> str:
        """Choose a gas station of its own, have somebody send money there, and see it booked."""
        address = self.choose_gas_station(own=True).address
        self.chain.send(address, amount, self.network.asset(symbol).contract)
        self.shop.mine(4)
        return address

    def paid(self, units: int = 10_000_000, symbol: str = "USDT") -> InvoiceView:
        """Have an invoice paid, for good."""
        invoice = self.shop.ask(currency=symbol)
        self.shop.pay(invoice, units)
        self.shop.mine(4)
        return invoice

    def turn(self, *, after: float = 0) -> None:
        """Let time pass; then everybody has a turn: watcher, scheduler, sender, and each of them again."""
        self.clock.advance(timedelta(seconds=after))
        self.chain.mine()
        for _ in range(2):
            self.shop.look()
            collect(self.gateway)
            collect_surplus(self.gateway)
            self.sender.work(look=True)
        self.shop.settle()

    def go_on(self, turns: int = 4, *, after: float = 5) -> None:
        """Mine until everything that was begun has come to its end."""
        for _ in range(turns):
            self.turn(after=after)
            self.chain.mine(4)
        self.turn(after=after)

    def booked(self, symbol: str) -> dict[AccountKind, int]:
        """Answer what the books hold of an asset, by kind of account."""
        with self.gateway.db.read() as session:
            found = balances(session, self.shop.principal.merchant_id, livemode=False)
        asset = self.network.asset(symbol).key
        return {key.kind: each.debits - each.credits for key, each in found.items() if key.asset == asset}

    def ours(self, symbol: str) -> int:
        """Answer what the books say lies at addresses of ours."""
        return sum(amount for kind, amount in self.booked(symbol).items() if kind in _OURS)

    def on_chain(self, symbol: str) -> int:
        """Answer what the chain's tip shows at all addresses of ours."""
        with self.gateway.db.read() as session:
            gas = session.scalars(select(GasWalletRow.address)).all()
            addresses = {*session.scalars(select(DepositAddressRow.address)), *gas, self.master.address}
        contract = self.network.asset(symbol).contract
        return sum(self.chain.spendable(each, contract) for each in addresses)

    def agree(self) -> bool:
        """Say whether books and chain hold the same, to the base unit (money rule 8)."""
        return all(self.ours(each.symbol) == self.on_chain(each.symbol) for each in self.network.assets)

    def rows(self) -> dict[str, str]:
        """Answer how each asset that waits stands, by symbol; a test with several of one asset looks further."""
        with self.gateway.db.read() as session:
            found = session.scalars(select(UnsweptRow)).all()
        symbols = {asset.key: asset.symbol for asset in self.network.assets}
        return {symbols[each.asset]: each.standing for each in found}

    def spends(self) -> Sequence[SpendRow]:
        """Answer all spends, in the order in which they were asked for."""
        with self.gateway.db.read() as session:
            return session.scalars(select(SpendRow).order_by(SpendRow.created_at, SpendRow.id)).all()

    def stand(self) -> list[tuple[str, str]]:
        """Answer kind and status of all spends."""
        return [(each.kind, each.status) for each in self.spends()]

    def alerts(self) -> set[AlertKind]:
        """Answer which kinds of alerts are open."""
        return {each.kind for each in alert_views(self.gateway)}
