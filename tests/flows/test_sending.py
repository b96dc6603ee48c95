"""Payouts on a real node: signed behind the guard, pipelined, confirmed, and booked to the base unit."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.chains.network import Network
from cloudpay.chains.spending import FeeTier
from cloudpay.kernel.failpoints import Failpoint
from cloudpay.kernel.leases import LeaseKeeper
from cloudpay.kernel.secrets import KEY_BYTES
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
from cloudpay_devnet.chain import DevChain
from tests.cloudpay.transactions.kills import Killed, kill_at
from tests.flows.databases import NewDatabase
from tests.flows.realshop import RealShop, network_table, open_real_shop

pytestmark = pytest.mark.flow

ETHER = 10**18


@dataclass
class Till:
    """The master wallet of a shop on a real chain, and the sender of its network."""

    shop: RealShop
    network: Network
    master: MasterWallet
    sender: Sender

    def fund(self, symbol: str, units: int) -> None:
        """Put money into the master wallet, on the chain and in the books."""
        asset = self.network.asset(symbol)
        tx_id = self.shop.chain.fund(self.master.address, symbol, units)
        merchant = self.master.merchant_id
        funding = Funding("evm", tx_id, self.master.address, asset.key, 0, merchant, False, units)
        db, clock = self.shop.gateway.db, self.shop.clock
        db.run(lambda session: post_funding(session, funding, clock.now(session)))

    def pay(self, symbol: str, amount: int, *ids: str) -> None:
        """Queue payouts and reserve them, with a fee as it is quoted."""
        asset = self.network.asset(symbol)

        def work(session: Session) -> None:
            fee = fee_quotes(session, "evm")[FeeTier.MEDIUM, asset.key]
            requests = [
                SpendRequest(
                    each, SpendKind.PAYOUT, self.master.merchant_id, False, "evm", self.master.address,
                    self.master.path, recipient(each), asset.key, amount, FeeTier.MEDIUM, fee,
                )
                for each in ids
            ]  # fmt: skip
            promised = [
                Outgoing(each.id, each.merchant_id, False, "evm", each.asset, each.amount, each.fee_reserved)
                for each in requests
            ]
            post_reserve_many(session, promised, self.shop.clock.now(session))
            request_spends(session, self.shop.gateway, requests)

        self.shop.gateway.db.run(work)

    def statuses(self, *ids: str) -> set[str]:
        """Answer the statuses that spends have."""
        with self.shop.gateway.db.read() as session:
            return {each.status.value for each in spends(session, ids).values()}

    def books(self, symbol: str) -> int:
        """Answer what the books say lies in the master wallet."""
        key = (self.master.merchant_id, False, "evm", self.network.asset(symbol).key)
        with self.shop.gateway.db.read() as session:
            return available(session, *key) + reserved(session, *key)


def recipient(spend_id: str) -> str:
    """An address of nobody's, one for each spend."""
    from eth_utils.address import to_checksum_address
    from eth_utils.crypto import keccak

    return to_checksum_address(keccak(text=spend_id)[12:])


def new_sender(shop: RealShop, network: Network) -> Sender:
    """A sender as a fresh process has it."""
    gateway = shop.gateway
    keeper = LeaseKeeper(gateway.db, gateway.clock, "send:evm", "test", LEASE_TTL)
    journal = Journal(gateway.settings.journal_path)
    adapter = gateway.chains.spending("evm")
    return Sender(Station(gateway, network, adapter, keeper, require_open, journal))


@pytest.fixture
def till(tmp_path: Path, evm_chain: DevChain, new_database: NewDatabase) -> Iterator[Till]:
    """A till with ETH and USDT, on a node that keeps a thousand transactions of one address waiting."""
    table = network_table(evm_chain, in_flight=1_000)
    with open_real_shop(tmp_path, new_database(), {"evm": evm_chain}, {"evm": table}) as shop:
        shop.gateway.settings.seal_key_path.write_text(base64.b64encode(bytes(KEY_BYTES)).decode())
        network = shop.gateway.chains.network("evm")
        master = master_wallet(shop.gateway, network, shop.principal.merchant_id)
        made = Till(shop, network, master, new_sender(shop, network))
        made.fund("ETH", 5 * ETHER)
        made.fund("USDT", 10**9)
        shop.gateway.db.run(lambda session: want_quotes(session, shop.gateway, "evm"))
        made.sender.work(look=True)
        yield made


def test_a_hundred_payouts_in_coins_and_tokens_reach_everybody_and_the_books_agree(till: Till) -> None:
    coins = [f"coin-{number:02}" for number in range(50)]
    tokens = [f"token-{number:02}" for number in range(50)]
    till.pay("ETH", ETHER // 1000, *coins)
    till.pay("USDT", 5_000_000, *tokens)
    while till.sender.work():
        pass
    till.shop.chain.node.mine(3)
    till.sender.work(look=True)
    assert till.statuses(*coins, *tokens) == {"confirmed"}
    assert {till.shop.chain.balance("ETH", recipient(each)) for each in coins} == {ETHER // 1000}
    assert {till.shop.chain.balance("USDT", recipient(each)) for each in tokens} == {5_000_000}
    for symbol in ("ETH", "USDT"):
        assert till.books(symbol) == till.shop.chain.balance(symbol, till.master.address)


@pytest.mark.parametrize("place", [Failpoint.SEND_COMMITTED, Failpoint.SEND_BROADCAST])
def test_f50_f51_a_sender_killed_around_the_broadcast_pays_once_on_a_real_node(
    till: Till, place: Failpoint
) -> None:
    names = [f"{place}-{number}" for number in range(5)]
    till.pay("ETH", 1_000, *names)
    kill_at(place)
    with pytest.raises(Killed):
        till.sender.work(look=True)
    till.sender = new_sender(till.shop, till.network)
    till.sender.work(look=True)
    till.shop.chain.node.mine(3)
    till.sender.work(look=True)
    assert till.statuses(*names) == {"confirmed"}
    assert {till.shop.chain.balance("ETH", recipient(each)) for each in names} == {1_000}


def test_f56_f58_a_hole_in_the_numbers_is_filled_on_a_real_node_by_the_bytes_that_have_its_place(
    till: Till, request: pytest.FixtureRequest
) -> None:
    """A node that has lost the first of five keeps the others waiting behind it, for ever."""
    not_ours = till.shop.chain.balance("ETH", till.master.address) - till.books(
        "ETH"
    )  # other tests' of this node
    node, names = till.shop.chain.node, [f"hole-{number}" for number in range(5)]
    node.set_automine(False)
    request.addfinalizer(lambda: node.set_automine(True))  # the node is shared
    till.pay("ETH", 1_000, *names)
    till.sender.work(look=True)
    with till.shop.gateway.db.read() as session:
        order = select(AttemptRow.tx_id).order_by(AttemptRow.transaction_id)
        first, *behind = session.scalars(order).all()
    node.drop_transaction(first)
    node.mine(1)
    assert [till.shop.chain.receipt(each) for each in (first, *behind)] == [None] * 5
    till.sender.work(look=True)
    node.mine(3)
    till.sender.work(look=True)
    assert till.statuses(*names) == {"confirmed"}
    with till.shop.gateway.db.read() as session:
        assert session.scalars(order).all() == [first, *behind], "the same bytes, and nothing else"
    assert till.books("ETH") == till.shop.chain.balance("ETH", till.master.address) - not_ours
