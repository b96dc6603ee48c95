"""What nothing explains is told to the base unit; what cannot be known is never told as a drift."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
from sqlalchemy import delete

from cloudpay.chains.errors import NodeUnavailable, Unlinked
from cloudpay.chains.types import BlockRef, Capability, Holding, Statuses
from cloudpay.kernel.db import Database
from cloudpay.payments.models import NetworkRow
from cloudpay.reconciliation.errors import NotComparable
from cloudpay.reconciliation.service import Patience, agrees, reconcile
from cloudpay.testing import fake_address
from cloudpay.wallets.lying import lying_at
from tests.cloudpay.reconciliation.house import ETHER, House, at_once


def test_one_base_unit_that_nobody_booked_is_a_drift_of_one(house: House) -> None:
    house.fund()
    invoice = house.shop.ask("10", "USDT")
    house.shop.pay(invoice)
    house.mine(4)
    assert not house.drifts()
    house.chain.fund(house.master, 1)
    house.chain.fund(invoice.option.address, -1, house.usdt)
    assert house.drifts() == {("master", ""): 1, ("deposits", house.usdt): -1}
    assert not agrees(house.shop.gateway, house.shop.code)


def test_money_taken_out_past_us_is_booked_and_its_fee_is_what_differs(house: House) -> None:
    house.fund()
    house.chain.send(fake_address("somebody with the words"), 1000, sender=house.master)
    house.mine(4)
    assert house.drifts() == {("master", ""): -21}, "FakeChain's fee, which no transfer shows"


def test_native_money_that_a_contract_sent_to_the_master_wallet_differs_until_a_rescan_with_traces(
    house: House,
) -> None:
    house.chain.capabilities &= ~Capability.TRACES
    house.chain.send(house.master, 7, via_contract=True)
    house.mine(4)
    assert house.drifts() == {("master", ""): 7}
    house.chain.capabilities |= Capability.TRACES
    house.shop.rescan(1, house.chain.height)
    house.mine(4)
    assert not house.drifts()


def test_native_money_at_an_address_that_was_paid_in_tokens_is_found(house: House) -> None:
    invoice = house.shop.ask("10", "USDT")
    house.shop.pay(invoice)
    house.mine(4)
    house.chain.fund(invoice.option.address, 5)
    assert house.drifts() == {("deposits", ""): 5}


def test_a_node_without_the_state_of_that_block_is_asked_for_its_own_final_one_and_that_is_said(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.fund()
    house.chain.freeze_final()
    house.mine(3)
    house.chain.come_back()
    balances, settled = house.chain.balances, house.chain.head().final.height

    def pruned(holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        if at.height < settled:
            raise NodeUnavailable("evm", "missing trie node")
        return balances(holdings, at)

    monkeypatch.setattr(house.chain, "balances", pruned)
    found = house.compare()
    assert (found.height, found.drifts) == (settled, [])
    assert "missing trie node" in found.note
    house.chain.fund(house.master, 1)
    assert house.drifts() == {("master", ""): 1}


def test_a_node_that_keeps_two_blocks_alone_is_asked_for_its_final_one(house: House) -> None:
    house.fund()
    house.chain.capabilities &= ~Capability.HISTORY
    house.shop.mine(2)
    house.chain.mine()  # the node's final block is one that was read, and is not settled yet
    assert not house.drifts()


def test_a_node_whose_final_block_was_not_read_yet_says_nothing(house: House) -> None:
    house.fund()
    house.chain.capabilities &= ~Capability.HISTORY
    house.chain.mine(10)
    with pytest.raises(NotComparable, match="has not been read yet"):
        house.compare()


def test_what_comes_while_the_chain_is_asked_is_no_drift(house: House) -> None:
    house.fund()
    invoice = house.shop.ask("1", "ETH")

    def meanwhile(_part: int, _whole: int) -> None:
        house.shop.pay(invoice, 11)
        house.desk.pay(f"p{house.chain.height}", amount=500)
        house.mine(4)

    for _ in range(3):
        assert not reconcile(house.shop.gateway, "evm", Patience(at_once, meanwhile)).drifts


def test_a_reorganisation_while_the_chain_is_asked_is_waited_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.fund()
    balances, left = house.chain.balances, [1]

    def moved(holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        if left:
            left.pop()
            raise Unlinked(at)
        return balances(holdings, at)

    monkeypatch.setattr(house.chain, "balances", moved)
    assert not house.drifts()
    left += range(100)
    with pytest.raises(NotComparable):
        house.compare()


def test_a_node_on_another_fork_than_the_one_that_was_read_says_nothing(house: House) -> None:
    house.fund()
    house.chain.reorg(5)
    with pytest.raises(NotComparable, match="other final blocks"):
        house.compare()


def test_f42_a_node_of_another_chain_says_nothing(house: House) -> None:
    house.fund()
    house.chain.wrong_chain = True
    with pytest.raises(NotComparable):
        house.compare()


def test_a_node_that_is_away_and_a_network_that_was_never_read_say_nothing(house: House) -> None:
    house.chain.go_down()
    with pytest.raises(NotComparable, match="connection refused"):
        house.compare()
    house.chain.come_back()
    forget(house.shop.gateway.db)
    with pytest.raises(NotComparable, match="has not been read yet"):
        house.compare()


def forget(db: Database) -> None:
    with db.transaction() as session:
        session.execute(delete(NetworkRow))


def test_f39_a_node_that_lags_is_not_asked_what_became_of_our_transactions(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.fund()
    house.desk.pay("p1", amount=500)
    house.desk.work()
    house.shop.mine(5)
    statuses = house.chain.statuses

    def behind(tx_ids: Iterable[str]) -> Statuses:
        told = statuses(tx_ids)
        return replace(told, final=house.chain.header_at(2).ref)

    monkeypatch.setattr(house.chain, "statuses", behind)
    with pytest.raises(NotComparable, match="has not come to block"):
        house.compare()


def test_a_drift_that_is_gone_at_the_second_look_is_none(house: House) -> None:
    house.fund()
    house.chain.fund(house.master, 1)

    def pause() -> None:
        house.chain.fund(house.master, -1)

    assert not reconcile(house.shop.gateway, "evm", Patience(pause)).drifts


def test_many_addresses_are_asked_for_in_chunks_and_told(house: House) -> None:
    told: list[tuple[int, int]] = []
    at = house.chain.head().final
    asked = [Holding(f"address {number}", None) for number in range(4_000)]
    house.chain.fund("address 3999", ETHER)
    found = lying_at(house.shop.gateway, "evm", asked, at, lambda part, whole: told.append((part, whole)))
    assert sum(found.values()) == ETHER
    assert told == [(1500, 4000), (1500, 4000), (1000, 4000)]
