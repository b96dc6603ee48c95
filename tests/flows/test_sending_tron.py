"""Payouts on TRON: transactions that expire instead of being outbid, fees that are burned, books that agree."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.spending import FeeTier
from cloudpay.kernel.leases import LeaseKeeper
from cloudpay.kernel.secrets import KEY_BYTES
from cloudpay.ledger.outgoing import Funding, Outgoing, available, post_funding, post_reserve_many, reserved
from cloudpay.payments.networks import require_open
from cloudpay.testing.conformance.spend_tools import held
from cloudpay.transactions.journal import Journal
from cloudpay.transactions.loop import LEASE_TTL
from cloudpay.transactions.models import AttemptRow
from cloudpay.transactions.sender import Sender
from cloudpay.transactions.service import fee_quotes, request_spends, spends, want_quotes
from cloudpay.transactions.station import Station
from cloudpay.transactions.types import SpendKind, SpendRequest
from cloudpay.wallets.masters import master_wallet
from tests.conformance.tron_bank import Bank
from tests.conformance.tron_world import TronWorld, open_world
from tests.flows.databases import NewDatabase
from tests.flows.realshop import RealShop, open_real_shop

pytestmark = pytest.mark.flow

UNIT = 10**6


class Till:
    """The master wallet of a shop on a TRON chain, and the sender of its network."""

    def __init__(self, shop: RealShop, world: TronWorld) -> None:
        self.shop, self.world, self.gateway = shop, world, shop.gateway
        self.network = shop.gateway.chains.network("tron")
        self.master = master_wallet(self.gateway, self.network, shop.principal.merchant_id)
        keeper = LeaseKeeper(self.gateway.db, self.gateway.clock, "send:tron", "test", LEASE_TTL)
        journal = Journal(self.gateway.settings.journal_path)
        adapter = self.gateway.chains.spending("tron")
        self.sender = Sender(Station(self.gateway, self.network, adapter, keeper, require_open, journal))

    def fund(self, symbol: str, units: int) -> None:
        """Put money into the master wallet, on the chain and in the books."""
        asset, master = self.network.asset(symbol), self.master
        tx_id = self.world.send(master.address, units, asset.contract)
        self.world.mine()
        funding = Funding("tron", tx_id, master.address, asset.key, 0, master.merchant_id, False, units)
        self.gateway.db.run(lambda session: post_funding(session, funding, self.shop.clock.now(session)))

    def pay(self, symbol: str, amount: int, *ids: str) -> dict[str, str]:
        """Queue payouts and reserve them, with a fee as it is quoted; answer who gets each."""
        key, to = self.network.asset(symbol).key, {each: self.world.new_address() for each in ids}

        def work(session: Session) -> None:
            fee = fee_quotes(session, "tron")[FeeTier.MEDIUM, key]
            requests = [
                SpendRequest(
                    each, SpendKind.PAYOUT, self.master.merchant_id, False, "tron", self.master.address,
                    self.master.path, to[each], key, amount, FeeTier.MEDIUM, fee,
                )
                for each in ids
            ]  # fmt: skip
            promised = [
                Outgoing(each.id, each.merchant_id, False, "tron", each.asset, each.amount, each.fee_reserved)
                for each in requests
            ]
            post_reserve_many(session, promised, self.shop.clock.now(session))
            request_spends(session, self.gateway, requests)

        self.gateway.db.run(work)
        return to

    def statuses(self, *ids: str) -> set[str]:
        """Answer the statuses that spends have."""
        with self.gateway.db.read() as session:
            return {each.status.value for each in spends(session, ids).values()}

    def attempts(self) -> list[str]:
        """Answer the ids of all that was signed, oldest first."""
        with self.gateway.db.read() as session:
            order = select(AttemptRow.tx_id).order_by(AttemptRow.transaction_id)
            return list(session.scalars(order))

    def hold_books(self) -> None:
        """Hold the books against the chain."""
        for symbol in ("TRX", "USDT"):
            asset = self.network.asset(symbol)
            key = (self.master.merchant_id, False, "tron", asset.key)
            with self.gateway.db.read() as session:
                booked = available(session, *key) + reserved(session, *key)
            assert booked == held(self.world, self.master.address, asset.contract), symbol


@pytest.fixture
def till(tmp_path: Path, new_database: NewDatabase) -> Iterator[Till]:
    """A till with TRX and USDT."""
    with open_world() as world:
        table = {**world.table(), "live": False, "stalled_after_seconds": 86_400}
        chains = {"tron": cast("Any", world)}
        with open_real_shop(tmp_path, new_database(), chains, {"tron": table}) as shop:
            shop.gateway.settings.seal_key_path.write_text(base64.b64encode(bytes(KEY_BYTES)).decode())
            made = Till(shop, world)
            made.fund("TRX", 5_000 * UNIT)
            made.fund("USDT", 1_000 * UNIT)
            shop.gateway.db.run(lambda session: want_quotes(session, shop.gateway, "tron"))
            made.sender.work(look=True)
            yield made


def test_f71_payouts_in_trx_and_tokens_reach_everybody_and_the_books_agree(till: Till) -> None:
    trx = till.pay("TRX", 2 * UNIT, *(f"trx-{number}" for number in range(5)))
    usdt = till.pay("USDT", 3 * UNIT, *(f"usdt-{number}" for number in range(5)))
    while till.sender.work():
        pass
    till.world.mine(20)
    till.sender.work(look=True)
    assert till.statuses(*trx, *usdt) == {"confirmed"}
    assert {held(till.world, each) for each in trx.values()} == {2 * UNIT}
    token = till.network.asset("USDT").contract
    assert {held(till.world, each, token) for each in usdt.values()} == {3 * UNIT}
    till.hold_books()


def test_f70_what_no_node_kept_goes_out_anew_once_it_has_expired_on_the_solid_chain(till: Till) -> None:
    till.world.node.fault("lost")
    [(name, to)] = till.pay("TRX", 2 * UNIT, "lost").items()
    till.sender.work(look=True)
    till.world.mine(20)
    till.sender.work(look=True)
    [first] = till.attempts()
    assert till.statuses(name) == {"sent"}, "unknown is not failed"
    till.world.node.pass_time(603)
    till.sender.work(look=True)
    assert till.attempts() == [first], "it has expired at the head, and not on the solid chain"
    till.world.mine(20)
    till.world.node.heal()
    till.sender.work(look=True)
    assert till.attempts() == [first], "one final block shows it absent"
    till.world.mine(1)
    till.sender.work(look=True)
    till.sender.work(look=True)
    assert len(till.attempts()) == 2 and till.attempts()[0] == first
    till.world.mine(20)
    till.sender.work(look=True)
    assert till.statuses(name) == {"confirmed"}
    assert held(till.world, to) == 2 * UNIT, "paid once"
    till.hold_books()


@pytest.mark.parametrize("taken_back", [False, True], ids=["there", "gone when the block comes"])
def test_energy_of_the_master_wallet_pays_for_payouts_and_what_was_not_burned_is_free_again(
    till: Till, taken_back: bool
) -> None:
    bank, native = Bank(till.world), (till.master.merchant_id, False, "tron", "")
    stake = bank.lend(till.master.address, 1_000_000)
    with till.gateway.db.read() as session:
        before = available(session, *native)
    paid = till.pay("USDT", 3 * UNIT, "first", "second")
    if taken_back:
        till.world.node.fault("lost")
    till.sender.work(look=True)
    with till.gateway.db.read() as session:
        assert reserved(session, *native) > 2 * 13 * UNIT, "what both could burn, whatever is lent now"
    if taken_back:
        till.world.node.heal()
        bank.take(till.master.address, stake)
        till.sender.work(look=True)
    till.world.mine(20)
    till.sender.work(look=True)
    assert till.statuses(*paid) == {"confirmed"}
    token = till.network.asset("USDT").contract
    assert {held(till.world, each, token) for each in paid.values()} == {3 * UNIT}
    with till.gateway.db.read() as session:
        cost = before - available(session, *native)
        assert reserved(session, *native) == 0
    assert cost >= 0 and (cost > 2 * UNIT) is taken_back, "bytes alone cost less than one TRX"
    till.hold_books()


def test_f70_what_a_block_holds_is_not_sent_anew_because_a_node_has_forgotten_it(till: Till) -> None:
    [(name, to)] = till.pay("TRX", 2 * UNIT, "kept").items()
    till.sender.work(look=True)
    till.world.mine(25)
    till.world.node.pass_time(700)
    till.world.mine(21)
    till.world.node.fault("empty", "*/gettransactioninfobyid")
    for _ in range(4):
        till.sender.work(look=True)
        till.world.mine(10)
    assert len(till.attempts()) == 1, "it was signed anew"
    till.world.node.heal()
    till.sender.work(look=True)
    assert till.statuses(name) == {"confirmed"}
    assert held(till.world, to) == 2 * UNIT, "paid once"
    till.hold_books()


def test_a_node_that_is_too_slow_to_try_a_transfer_fails_no_payout(till: Till) -> None:
    [name] = till.pay("USDT", 3 * UNIT, "slow")
    till.world.node.fault("out_of_time", "*/wallet/triggerconstantcontract", times=1)
    with pytest.raises(NodeUnavailable, match="OutOfTime"):
        till.sender.work(look=True)
    assert till.statuses(name) == {"queued"}
