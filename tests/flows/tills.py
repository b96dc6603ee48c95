"""The master wallet of a shop on a real chain of any family, and the sender of its network."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.spending import FeeTier
from cloudpay.kernel.leases import LeaseKeeper
from cloudpay.ledger.outgoing import Funding, Outgoing, available, post_funding, post_reserve_many, reserved
from cloudpay.payments.networks import require_open
from cloudpay.transactions.journal import Journal
from cloudpay.transactions.loop import LEASE_TTL
from cloudpay.transactions.models import AttemptRow
from cloudpay.transactions.sender import Sender
from cloudpay.transactions.service import fee_quotes, request_spends, spends, want_quotes
from cloudpay.transactions.station import Station
from cloudpay.transactions.types import SpendKind, SpendRequest
from cloudpay.wallets.masters import MasterWallet, master_wallet
from cloudpay_devnet.tron.addresses import PREFIX, to_base58
from tests.flows.realshop import RealShop


@dataclass
class Till:
    """What pays out of one master wallet."""

    shop: RealShop
    network: Network
    master: MasterWallet
    sender: Sender

    def fund(self, symbol: str, units: int) -> None:
        """Put money into the master wallet, on the chain and in the books."""
        asset = self.network.asset(symbol)
        tx_id = self.shop.chain.fund(self.master.address, symbol, units)
        merchant, code = self.master.merchant_id, self.network.code
        funding = Funding(code, tx_id, self.master.address, asset.key, 0, merchant, False, units)
        db, clock = self.shop.gateway.db, self.shop.clock
        db.run(lambda session: post_funding(session, funding, clock.now(session)))

    def price(self) -> None:
        """Have the sender ask what sending costs."""
        gateway, code = self.shop.gateway, self.network.code
        gateway.db.run(lambda session: want_quotes(session, gateway, code))
        self.sender.work(look=True)

    def pay(self, symbol: str, amount: int, *ids: str) -> dict[str, str]:
        """Queue payouts and reserve them, with a fee as it is quoted; answer who gets each."""
        to = {each: recipient(each, self.network.key_family.name) for each in ids}
        request_payouts(self.shop.gateway, self.network, self.master, symbol, amount, to)
        return to

    def statuses(self, *ids: str) -> set[str]:
        """Answer the statuses that spends have."""
        with self.shop.gateway.db.read() as session:
            return {each.status.value for each in spends(session, ids).values()}

    def attempts(self) -> list[str]:
        """Answer the ids of all that was signed, oldest first."""
        with self.shop.gateway.db.read() as session:
            order = select(AttemptRow.tx_id).order_by(AttemptRow.transaction_id, AttemptRow.number)
            return list(session.scalars(order))

    def books(self, symbol: str) -> int:
        """Answer what the books say lies in the master wallet."""
        key = (self.master.merchant_id, False, self.network.code, self.network.asset(symbol).key)
        with self.shop.gateway.db.read() as session:
            return available(session, *key) + reserved(session, *key)

    def hold_books(self) -> None:
        """Hold the books against the chain."""
        for asset in self.network.assets:
            held = self.shop.chain.balance(asset.symbol, self.master.address)
            assert self.books(asset.symbol) == held, asset.symbol


def open_till(shop: RealShop) -> Till:
    """Open the till of the network that invoices ask on."""
    network = shop.gateway.chains.network(shop.code)
    master = master_wallet(shop.gateway, network, shop.principal.merchant_id)
    return Till(shop, network, master, new_sender(shop, network))


def request_payouts(
    gateway: Gateway, network: Network, master: MasterWallet, symbol: str, amount: int, to: Mapping[str, str]
) -> None:
    """Queue one payout for each name, to its address, reserved as payouts are."""
    key, code = network.asset(symbol).key, network.code

    def work(session: Session) -> None:
        fee = fee_quotes(session, code)[FeeTier.MEDIUM, key]
        requests = [
            SpendRequest(
                name, SpendKind.PAYOUT, master.merchant_id, False, code, master.address, master.path, address, key,
                amount, FeeTier.MEDIUM, fee,
            )
            for name, address in to.items()
        ]  # fmt: skip
        promised = [
            Outgoing(each.id, each.merchant_id, False, code, each.asset, each.amount, each.fee_reserved)
            for each in requests
        ]
        post_reserve_many(session, promised, gateway.clock.now(session))
        request_spends(session, gateway, requests)

    gateway.db.run(work)


def recipient(spend_id: str, family: str = "evm") -> str:
    """An address of nobody's, one for each spend."""
    if family == "tron":
        return to_base58(PREFIX + hashlib.sha256(spend_id.encode()).digest()[:20])
    return to_checksum_address(keccak(text=spend_id)[12:])


def new_sender(shop: RealShop, network: Network) -> Sender:
    """A sender as a fresh process has it."""
    gateway, code = shop.gateway, network.code
    keeper = LeaseKeeper(gateway.db, gateway.clock, f"send:{code}", "test", LEASE_TTL)
    journal = Journal(gateway.settings.journal_path)
    return Sender(Station(gateway, network, gateway.chains.spending(code), keeper, require_open, journal))
