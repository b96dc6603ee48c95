"""Tokens on a chain with a virtual machine: what transfers take, what they need, what became of them."""

from collections.abc import Iterator

import pytest

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.spending import Spend
from cloudpay.chains.types import Holding, TxState
from cloudpay.testing.conformance.spend_tools import Purse, broadcast, funded, held, status_of
from cloudpay_tron import bytecode
from cloudpay_tron.node import Node
from tests.conformance.tron_world import TronWorld, open_world

TRX = 1_000_000


@pytest.fixture(scope="module")
def world() -> Iterator[TronWorld]:
    with open_world() as world:
        yield world


def usdt(world: TronWorld) -> str:
    assert world.token and world.token.contract
    return world.token.contract


def test_f71_what_runs_out_of_energy_has_failed_and_what_it_burned_is_what_left(world: TronWorld) -> None:
    purse = funded(world, tokens=100)
    before = held(world, purse.address)
    tx_id = world.trigger(
        purse.address, usdt(world), "transfer(address,uint256)", "0x" + "11" * 20, 100, fee_limit=1_000_000
    )
    world.mine()
    status = status_of(world, tx_id)
    assert status.state is TxState.REVERTED
    assert status.fee and status.fee >= 1_000_000, "the whole limit is burned"
    assert before - held(world, purse.address) == status.fee
    assert held(world, purse.address, usdt(world)) == 100


def test_f71_a_payee_who_empties_its_wallet_before_the_block_is_paid_all_the_same(world: TronWorld) -> None:
    purse, payee = funded(world, tokens=100), world.new_address()
    world.send(payee, 50, usdt(world))
    world.send(payee, 100 * TRX)
    world.mine()
    draft = purse.draft(purse.spend(40, usdt(world), to=payee))
    world.trigger(payee, usdt(world), "transfer(address,uint256)", "0x" + "12" * 20, 50)
    world.mine()
    signed = purse.sign(draft)
    broadcast(purse.world, signed)
    world.mine()
    status = status_of(world, signed.tx_id)
    most = purse.world.adapter.explain(draft.unsigned).largest_fee
    assert status.state is TxState.SUCCEEDED, "its limit was what a holder of the token takes"
    assert status.fee and status.fee <= most <= purse.context().fee_cap
    assert held(world, payee, usdt(world)) == 40


def test_the_fee_limit_is_what_a_trial_took_and_a_margin_where_the_payee_is_ours(world: TronWorld) -> None:
    purse, ours = funded(world, tokens=100), funded(world, native=0)
    spend = purse.spend(40, usdt(world), to=ours.address)
    context = purse.context(keys={each: world.path_of(each) for each in (purse.address, ours.address)})
    [draft] = purse.world.adapter.prepare([spend], context).drafts
    signed = purse.sign(draft)
    broadcast(purse.world, signed)
    world.mine()
    status = status_of(world, signed.tx_id)
    most = purse.world.adapter.explain(draft.unsigned).largest_fee
    assert status.state is TxState.SUCCEEDED
    assert status.fee and status.fee <= most <= 2 * status.fee


def test_f71_a_cap_below_the_larger_limit_leaves_the_trials_own(world: TronWorld) -> None:
    purse = funded(world, tokens=100)
    spend = purse.spend(40, usdt(world))
    largest = purse.world.adapter.explain(purse.draft(spend).unsigned).largest_fee
    [draft] = purse.world.adapter.prepare([spend], purse.context(fee_cap=largest - 1)).drafts
    assert purse.world.adapter.explain(draft.unsigned).largest_fee < largest


def test_a_transfer_that_a_token_refuses_is_refused_before_it_is_signed(world: TronWorld) -> None:
    purse = funded(world, tokens=100)
    world.trigger(world.payer, usdt(world), "setPaused(bool)", True)
    world.mine()
    try:
        spend = purse.spend(40, usdt(world))
        prepared = purse.prepare(spend)
        assert [each.spend_id for each in prepared.refused] == [spend.id] and prepared.drafts == ()
    finally:
        world.trigger(world.payer, usdt(world), "setPaused(bool)", False)
        world.mine()


def test_the_second_transfer_of_one_source_is_reckoned_without_what_the_first_takes(world: TronWorld) -> None:
    purse = funded(world, tokens=100, native=2 * TRX)
    spends = [purse.spend(10, usdt(world)) for _ in range(3)]
    station = funded(world)
    context = purse.context(
        gas_station=station.address,
        keys={each.address: world.path_of(each.address) for each in (purse, station)},
    )
    drafts = purse.world.adapter.prepare(spends, context).drafts
    assert len(drafts) == 3 and all(each.needs for each in drafts[1:]), "two TRX do not pay for three"


def test_balances_of_many_addresses_and_tokens_are_told_by_one_call(
    world: TronWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid = [funded(world, tokens=number, native=number * TRX) for number in (1, 2, 3)]
    empty = Purse(paid[0].world, world.new_address())
    holdings = [
        Holding(each.address, contract) for each in (*paid, empty) for contract in (None, usdt(world))
    ]
    asked: list[str] = []
    post = Node.post

    def counted(self: Node, url: str, body: str, calls: int) -> bytes:
        asked.append(url.rpartition("/")[2])
        return post(self, url, body, calls)

    monkeypatch.setattr(Node, "post", counted)
    told = world.adapter.balances(holdings, world.adapter.head().latest.ref)
    assert [told[each] for each in holdings] == [TRX, 1, 2 * TRX, 2, 3 * TRX, 3, 0, 0]
    assert asked.count("triggerconstantcontract") == 1 and "getaccount" not in asked


def test_the_largest_balance_comes_through_the_program_whole(world: TronWorld) -> None:
    rich = world.new_address()
    world.mint(world.lookalike, rich, 2**256 - 10**25)
    world.mine()
    told = world.adapter.balances(
        [Holding(rich, world.lookalike), Holding(rich, usdt(world))], world.adapter.head().latest.ref
    )
    assert list(told.values()) == [2**256 - 10**25, 0]


def test_a_node_that_does_not_run_the_program_is_asked_one_by_one(world: TronWorld) -> None:
    assert bytecode.answer("", [Holding(world.payer, None)]) is None
    assert bytecode.answer("00" * 64, [Holding(world.payer, None)]) is None
    assert bytecode.answer("zz", []) is None


def test_a_spend_of_more_than_there_is_waits_and_is_not_refused(world: TronWorld) -> None:
    purse = funded(world, tokens=5)
    prepared = purse.prepare(Spend("spd_more", purse.address, world.new_address(), usdt(world), 6))
    assert (prepared.drafts, prepared.refused) == ((), ())


def test_an_address_without_a_token_tells_no_balance(world: TronWorld) -> None:
    nobody = world.new_address()
    with pytest.raises(NodeUnavailable, match="no token at"):
        world.adapter.balances(
            [Holding(world.payer, nobody), Holding(world.payer, None)], world.adapter.head().latest.ref
        )
