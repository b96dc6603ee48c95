"""What a test may rely on when it scripts a fake chain."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from cloudpay.chains.errors import NodeUnavailable, Unlinked
from cloudpay.chains.settings import AssetSettings, NetworkSettings
from cloudpay.chains.types import BlockRef, Capability, Holding, Transfer, TransferSource, TxState
from cloudpay.testing import FakeChain, FixedClock, Move, fake_address, fake_plugin

OURS, OTHER, TOKEN = fake_address("ours"), fake_address("other"), fake_address("token")


@pytest.fixture
def chain() -> FakeChain:
    assets = {"T": AssetSettings(contract=TOKEN, decimals=6), "N": AssetSettings(decimals=18)}
    return FakeChain("fake", NetworkSettings(confirmations=3, native="N", assets=assets))


def found(chain: FakeChain, *ours: str, after: int = 0) -> list[Transfer]:
    start = chain.header_at(after).ref
    return list(
        chain.scan(start, 1_000, lambda asked: frozenset(ours or (OURS,)) & frozenset(asked)).transfers
    )


def held(chain: FakeChain, address: str, contract: str | None = None) -> int:
    holding = Holding(address, contract)
    return chain.balances([holding], chain.head().latest.ref)[holding]


def test_the_same_script_gives_the_same_chain() -> None:
    def play() -> BlockRef:
        chain = FakeChain()
        chain.send(OURS, 5)
        chain.mine(3)
        chain.reorg(2)
        return chain.head().latest.ref

    assert play() == play()


def test_what_is_sent_waits_until_it_is_mined(chain: FakeChain) -> None:
    tx_id = chain.send(OURS, 5)
    assert list(chain.mempool) == [tx_id]
    assert found(chain) == []
    block = chain.mine(2)
    assert not chain.mempool
    assert [(each.tx_id, each.block) for each in found(chain)] == [(tx_id, block)]


def test_a_reorganised_transaction_comes_back_in_another_block_and_position(chain: FakeChain) -> None:
    chain.send(OURS, 5)
    chain.mine(2)
    (before,) = found(chain)
    chain.reorg(2)
    (after,) = found(chain)
    assert (after.tx_id, after.amount) == (before.tx_id, before.amount)
    assert after.block != before.block
    assert after.position != before.position
    assert chain.height == 3


def test_a_dropped_transaction_never_comes_back(chain: FakeChain) -> None:
    dropped, kept = chain.send(OURS, 5), chain.send(OURS, 6)
    chain.mine()
    chain.reorg(1, drop=[dropped])
    chain.mine()
    assert [each.tx_id for each in found(chain)] == [kept]
    assert chain.statuses([dropped]).by_id[dropped].state is TxState.UNKNOWN
    assert held(chain, OURS) == 6


def test_a_reorganised_transaction_can_wait_in_the_mempool(chain: FakeChain) -> None:
    tx_id = chain.send(OURS, 5)
    chain.mine()
    chain.reorg(1, remine=False)
    assert found(chain) == []
    assert chain.mempool == (tx_id,)
    chain.mine()
    assert [each.tx_id for each in found(chain)] == [tx_id]


def test_finality_follows_the_depth_and_can_be_frozen(chain: FakeChain) -> None:
    chain.mine(5)
    assert chain.head().final.height == 3
    chain.freeze_final()
    chain.mine(5)
    assert (chain.head().latest.height, chain.head().final.height) == (10, 3)
    chain.come_back()
    assert chain.head().final.height == 8


def test_a_frozen_head_hides_new_blocks(chain: FakeChain) -> None:
    chain.mine()
    chain.freeze_head()
    tx_id = chain.send(OURS, 5)
    chain.mine()
    assert chain.head().latest.height == 1
    assert found(chain) == []
    assert chain.statuses([tx_id]).by_id[tx_id].state is TxState.PENDING
    chain.come_back()
    assert len(found(chain)) == 1


def test_a_node_that_is_behind_answers_no_blocks_after_a_block_it_lacks(chain: FakeChain) -> None:
    chain.mine(5)
    tip = chain.head().latest.ref
    chain.head_backwards(2)
    assert chain.head().latest.height == 3
    assert chain.scan(tip, 10, frozenset).headers == ()
    with pytest.raises(Unlinked):
        chain.scan(BlockRef(2, "another"), 10, frozenset)


def test_a_node_that_lies_about_logs_is_noticed_or_not(chain: FakeChain) -> None:
    chain.send(OURS, 5, TOKEN)
    chain.send(OURS, 6)
    chain.mine()
    chain.lie_empty_logs(noticed=False)
    assert [each.amount for each in found(chain)] == [6]
    chain.lie_empty_logs()
    with pytest.raises(NodeUnavailable, match="no logs"):
        found(chain)


def test_a_node_that_is_down_counts_its_failures(chain: FakeChain) -> None:
    chain.go_down("timed out")
    with pytest.raises(NodeUnavailable, match="timed out"):
        chain.head()
    (health,) = chain.health()
    assert (health.score, health.failures, health.last_error) == (0, 1, "timed out")
    chain.come_back()
    assert chain.head().latest.height == 0
    assert chain.health()[0].score == 100


def test_contract_money_is_traced_or_only_seen_in_the_balance(chain: FakeChain) -> None:
    chain.send(OURS, 5, via_contract=True)
    chain.mine()
    assert [each.source for each in found(chain)] == [TransferSource.TRACE]
    chain.capabilities &= ~Capability.TRACES
    assert found(chain) == []
    assert held(chain, OURS) == 5


def test_a_sender_pays_from_what_it_has(chain: FakeChain) -> None:
    with pytest.raises(ValueError, match=r"fund\(\) it first"):
        chain.send(OTHER, 5, sender=OURS)
    chain.fund(OURS, 100)
    chain.send(OTHER, 50, sender=OURS)
    with pytest.raises(ValueError, match="cannot pay"):
        chain.send(OTHER, 50, sender=OURS)
    chain.mine()
    assert (held(chain, OURS), held(chain, OTHER)) == (100 - 50 - 21, 50)


def test_a_failed_transaction_costs_its_fee_and_moves_nothing(chain: FakeChain) -> None:
    chain.fund(OURS, 100)
    tx_id = chain.send(OTHER, 50, sender=OURS, fails=True)
    chain.mine()
    status = chain.statuses([tx_id]).by_id[tx_id]
    assert (status.state, status.fee) == (TxState.REVERTED, 21)
    assert (held(chain, OURS), held(chain, OTHER)) == (79, 0)


def test_one_transaction_pays_many_and_somebody_else_may_sign_it(chain: FakeChain) -> None:
    chain.fund(OTHER, 10, TOKEN)
    chain.transact(Move(OTHER, OURS, 4, TOKEN), Move(OTHER, OURS, 6, TOKEN))
    chain.mine()
    assert [(each.sender, each.amount) for each in found(chain)] == [(OTHER, 4), (OTHER, 6)]


def test_blocks_carry_the_clocks_time() -> None:
    clock = FixedClock()
    chain = FakeChain(unix=clock.unix)
    clock.advance(timedelta(minutes=5))
    chain.mine()
    assert chain.head().latest.time - chain.header_at(0).time == 300


def test_the_fixed_clock_stands_until_it_is_moved() -> None:
    clock, session = FixedClock(), Session()
    before = clock.now(session)
    assert clock.now(session) == before
    clock.advance(timedelta(seconds=2))
    assert clock.now(session) - before == timedelta(seconds=2)
    clock.set(datetime(2030, 1, 1, tzinfo=UTC))
    assert clock.now(session).year == 2030
    with pytest.raises(ValueError, match="no time zone"):
        clock.set(datetime(2030, 1, 1))  # noqa: DTZ001  # that it is refused is the test


def test_two_threads_may_script_and_read_at_once(chain: FakeChain) -> None:
    def mine() -> None:
        for _ in range(100):
            chain.send(OURS, 1)
            chain.mine()

    miners = [threading.Thread(target=mine) for _ in range(3)]
    for miner in miners:
        miner.start()
    while any(miner.is_alive() for miner in miners):
        assert len(found(chain)) <= 300
    assert (len(found(chain)), held(chain, OURS)) == (300, 300)


def test_the_plugin_serves_a_chain_of_its_own_for_each_network() -> None:
    _name, plugin = fake_plugin("evm", "bsc")
    assert list(plugin.chains) == ["evm", "bsc"]
    assert plugin.contract("evm", "USDT") != plugin.contract("bsc", "USDT")


def test_a_rewritten_chain_has_its_transactions_where_the_script_puts_them(chain: FakeChain) -> None:
    first, second, third = (chain.send(OURS, amount) for amount in (1, 2, 3))
    chain.mine(2)
    chain.rewrite(2, [[third], [], [first]], drop=[second])
    assert [(each.amount, each.block.height) for each in found(chain)] == [(3, 1), (1, 3)]
    assert chain.mempool == ()


def test_a_transaction_can_move_another_amount_when_it_comes_back(chain: FakeChain) -> None:
    tx_id = chain.send(OURS, 5)
    chain.mine()
    chain.rewrite(1, [[]])
    chain.alter(tx_id, Move(chain.payer, OURS, 4))
    chain.mine()
    assert [(each.tx_id, each.amount) for each in found(chain)] == [(tx_id, 4)]
    assert held(chain, OURS) == 4


def test_a_chain_can_go_back_to_the_very_blocks_that_it_left(chain: FakeChain) -> None:
    chain.send(OURS, 5)
    chain.mine(2)
    before, tip = chain.branch(), chain.head().latest.ref
    chain.reorg(2, remine=False)
    assert found(chain) == []
    chain.switch(before)
    assert chain.head().latest.ref == tip
    assert [each.amount for each in found(chain)] == [5]
    assert (chain.mempool, held(chain, OURS)) == ((), 5)


def test_a_block_can_leave_a_transaction_waiting(chain: FakeChain) -> None:
    waits, goes = chain.send(OURS, 5), chain.send(OURS, 6)
    chain.mine(leave=[waits])
    assert [each.tx_id for each in found(chain)] == [goes]
    assert chain.mempool == (waits,)
