"""What happens between two looks: bookings, reorganisations, nodes that forget, money that leaves without our name."""

import threading
from collections.abc import Callable, Iterable, Mapping

import pytest
from sqlalchemy.exc import OperationalError

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.types import BlockRef, Capability, Holding
from cloudpay.ledger.pots import Place
from cloudpay.merchants.service import create_merchant
from cloudpay.reconciliation import loop as loops
from cloudpay.reconciliation.errors import NotComparable
from cloudpay.reconciliation.loop import ReconcileLoop
from cloudpay.wallets import lying
from cloudpay.wallets.masters import master_wallet
from tests.cloudpay.reconciliation.house import ETHER, House

Asked = list[tuple[BlockRef, list[Holding]]]


def before_balances(house: House, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> Asked:
    """Have something happen between the books and the chain, each time; answer what is asked for."""
    balances, asked = house.chain.balances, Asked()

    def ask(holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        wanted = list(holdings)
        asked.append((at, wanted))
        monkeypatch.setattr(house.chain, "balances", balances)  # those who act in between ask, too
        happens()
        monkeypatch.setattr(house.chain, "balances", ask)
        return balances(wanted, at)

    monkeypatch.setattr(house.chain, "balances", ask)
    return asked


def test_what_is_booked_while_the_chain_is_asked_changes_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.fund()
    house.shop.pay(house.shop.ask("1", "ETH"))
    house.desk.pay("p1", amount=500)
    house.desk.work()
    before_balances(house, monkeypatch, house.mine)
    for _ in range(6):
        assert not house.drifts()
    assert house.desk.statuses("p1") == ["confirmed"]


def test_a_final_block_that_is_replaced_while_the_chain_is_asked_is_no_drift(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.fund()
    paid = house.shop.pay(house.shop.ask("1", "ETH"))
    house.mine(5)
    before_balances(house, monkeypatch, lambda: house.chain.reorg(6, drop=[paid]))
    with pytest.raises(NotComparable):
        house.compare()


def test_a_node_that_keeps_the_newest_states_alone_is_asked_about_its_own_final_block(house: House) -> None:
    house.chain.capabilities &= ~Capability.HISTORY
    house.fund()
    house.desk.pay("p1", amount=500)
    house.desk.work()
    house.shop.pay(house.shop.ask("1", "ETH"))
    house.mine()
    for _ in range(6):
        house.chain.mine()  # the watcher is one block behind: what is final by the node is not booked yet
        found = house.compare()
        assert not found.drifts
        assert found.height == house.chain.head().final.height
        house.mine()


def test_where_no_node_keeps_a_block_that_was_read_nothing_is_said_of_a_drift(house: House) -> None:
    house.chain.capabilities &= ~Capability.HISTORY
    house.fund()
    house.chain.mine(20)
    with pytest.raises(NotComparable):
        house.compare()
    house.shop.look()
    assert not house.drifts()


def test_a_node_that_is_away_is_no_drift(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_holdings: Iterable[Holding], _at: BlockRef) -> Mapping[Holding, int]:
        raise NodeUnavailable("evm", "it is away")

    house.fund()
    monkeypatch.setattr(house.chain, "balances", away)
    with pytest.raises(NotComparable, match="it is away"):
        house.compare()


def test_what_somebody_else_signed_away_is_booked_and_its_fee_is_the_drift(house: House) -> None:
    house.fund()
    house.chain.send("an exchange", 1_000, sender=house.master)
    house.mine(5)
    [drift] = house.drifts().items()
    assert drift[0] == ("master", "")
    assert drift[1] < 0
    assert house.chain.spendable(house.master) == ETHER - 1_000 + drift[1]


def test_what_comes_to_the_master_wallet_of_a_merchant_in_the_other_mode_is_compared_like_any(
    house: House,
) -> None:
    gateway = house.shop.gateway
    other = create_merchant(gateway, "Live", livemode=True, payout_currencies={}, actor="cli:test")
    wallet = master_wallet(gateway, house.desk.network, other.id)
    house.chain.send(wallet.address, 9)
    house.mine(5)
    found = house.compare()
    assert not found.drifts
    [line] = [each for each in found.pots if each.pot.merchant_id == other.id and not each.pot.asset]
    assert (line.ledger, line.chain) == (9, 9)


def test_only_addresses_that_were_paid_are_asked_for_once_each_at_one_block(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid = [house.shop.ask("1", "USDT") for _ in range(7)]
    unpaid = house.shop.ask("1", "USDT")
    house.shop.pay_together(*paid)
    house.mine(4)
    monkeypatch.setattr(lying, "CHUNK", 4)
    asked = before_balances(house, monkeypatch, lambda: None)
    assert not house.drifts()
    holdings = [each for _, part in asked for each in part]
    assert max(len(part) for _, part in asked) == 4
    assert len({at for at, _ in asked}) == 1
    assert len(holdings) == len(set(holdings))
    assert {each.option.address for each in paid} < {each.address for each in holdings}
    assert unpaid.option.address not in {each.address for each in holdings}


def test_one_base_unit_at_one_of_many_deposit_addresses_is_a_drift_of_one(house: House) -> None:
    invoices = [house.shop.ask("1", "USDT") for _ in range(5)]
    house.shop.pay_together(*invoices)
    house.mine(4)
    house.chain.fund(invoices[3].option.address, -1, house.usdt)
    assert house.drifts() == {(Place.DEPOSITS.value, house.usdt): -1}


def test_a_database_that_is_away_does_not_end_the_loop(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, turns = threading.Event(), list[int]()

    def turn(_self: ReconcileLoop, _stop: threading.Event) -> None:
        turns.append(1)
        if len(turns) == 2:
            stop.set()
        raise OperationalError("SELECT 1", {}, Exception("the database is away"))

    monkeypatch.setattr(ReconcileLoop, "turn", turn)
    monkeypatch.setattr(loops, "_TICK_SECONDS", 0.0)
    ReconcileLoop(house.shop.gateway).run(stop, threading.Event())
    assert len(turns) == 2


def test_a_lease_that_is_lost_while_a_failure_is_kept_does_not_end_the_loop(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    looping = ReconcileLoop(house.shop.gateway)

    def lost_meanwhile(*_args: object) -> None:
        monkeypatch.setattr(looping._keeper, "hold", lambda: None)
        raise NotComparable("evm", "nobody answers.")

    monkeypatch.setattr(loops, "reconcile", lost_meanwhile)
    looping.turn(threading.Event())
