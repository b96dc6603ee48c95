"""Energy that a sender has already, of its own stake or lent to it: counted before any TRX is burned."""

from collections.abc import Iterator

import pytest

from cloudpay.chains.spending import Draft
from cloudpay.chains.types import TxState, TxStatus
from cloudpay.testing.conformance.spend_tools import Purse, broadcast, funded, held, status_of
from cloudpay_devnet.tron.addresses import from_text
from cloudpay_tron.protocol import tron_pb2
from tests.conformance.tron_bank import TRX, Bank, energy_of
from tests.conformance.tron_world import TronWorld, open_world

PRICE = 100
"""Sun for a unit of energy on this chain."""


@pytest.fixture(scope="module")
def world() -> Iterator[TronWorld]:
    with open_world() as world:
        yield world


@pytest.fixture(scope="module")
def bank(world: TronWorld) -> Bank:
    return Bank(world.node)


def usdt(world: TronWorld) -> str:
    assert world.token and world.token.contract
    return world.token.contract


def limit_of(draft: Draft) -> int:
    return int(tron_pb2.Transaction.FromString(draft.unsigned).raw_data.fee_limit)


def sent(world: TronWorld, purse: Purse, draft: Draft) -> TxStatus:
    signed = purse.sign(draft)
    broadcast(purse.world, signed)
    world.mine()
    return status_of(world, signed.tx_id)


def test_energy_that_the_sender_has_is_used_and_nothing_is_burned_nor_needed(
    world: TronWorld, bank: Bank
) -> None:
    purse = funded(world, tokens=100, native=1)
    spend = purse.spend(40, usdt(world))
    [without] = purse.prepare(spend, gas_station=bank.owner.base58).drafts
    assert without.needs, "one sun pays for no energy"
    bank.lend(purse.address, 300_000)
    draft = purse.draft(spend)
    status = sent(world, purse, draft)
    assert draft.needs == () and (status.state, status.fee) == (TxState.SUCCEEDED, 0)


def test_the_fee_limit_counts_energy_that_the_sender_has_as_the_chain_does(
    world: TronWorld, bank: Bank
) -> None:
    """java-tron, `VMActuator.getAccountEnergyLimitWithFixRatio`: the limit divided by the price bounds all of it."""
    poor, rich = funded(world, tokens=100), funded(world, tokens=100)
    bank.lend(rich.address, 300_000)
    to = world.new_address()
    limits = {limit_of(each.draft(each.spend(40, usdt(world), to))) for each in (poor, rich)}
    assert len(limits) == 1, "with a lower limit the transfer would run out of energy that is there"
    trial = ("transfer(address,uint256)", "0x" + from_text(to)[1:].hex(), 40)
    tx_id = world.trigger(rich.address, usdt(world), *trial, fee_limit=1_000 * PRICE)
    world.mine()
    assert status_of(world, tx_id).state is TxState.REVERTED


def test_only_the_energy_that_is_missing_is_paid_for(world: TronWorld, bank: Bank) -> None:
    purse, station = funded(world, tokens=100, native=1), funded(world)
    spend = purse.spend(40, usdt(world))
    bank.lend(purse.address, 10_000)
    told = {
        "gas_station": station.address,
        "keys": {each.address: world.path_of(each.address) for each in (purse, station)},
    }
    [draft] = purse.prepare(spend, **told).drafts
    [need] = draft.needs
    most = limit_of(draft) // PRICE
    assert need.amount == (most - energy_of(world, purse.address)) * PRICE - 1
    station.send(need)
    world.mine()
    [draft] = purse.prepare(spend, **told).drafts
    assert draft.needs == () and sent(world, purse, draft).state is TxState.SUCCEEDED


def test_of_two_transfers_of_one_sender_the_second_has_the_energy_that_the_first_leaves(
    world: TronWorld, bank: Bank
) -> None:
    purse = funded(world, tokens=100, native=TRX)
    one = limit_of(purse.prepare(purse.spend(1, usdt(world)), gas_station=world.payer).drafts[0]) // PRICE
    bank.lend(purse.address, one + one // 2)
    spends = [purse.spend(10, usdt(world)) for _ in range(2)]
    needs = [each.needs for each in purse.prepare(*spends, gas_station=world.payer).drafts]
    assert needs[0] == () and len(needs[1]) == 1


def test_energy_that_is_gone_when_the_block_comes_is_burned_within_what_was_bounded(
    world: TronWorld, bank: Bank
) -> None:
    purse = funded(world, tokens=100)
    stake = bank.lend(purse.address, 300_000)
    draft = purse.draft(purse.spend(40, usdt(world)))
    most = world_fee(purse, draft)
    bank.take(purse.address, stake)
    before = held(world, purse.address)
    status = sent(world, purse, draft)
    assert status.state is TxState.SUCCEEDED
    assert status.fee and 0 < status.fee == before - held(world, purse.address) <= most


def test_where_energy_is_gone_and_nothing_can_be_burned_nothing_moves(world: TronWorld, bank: Bank) -> None:
    purse = funded(world, tokens=100, native=1)
    stake = bank.lend(purse.address, 300_000)
    spend = purse.spend(40, usdt(world))
    draft = purse.draft(spend)
    bank.take(purse.address, stake)
    assert sent(world, purse, draft).state is TxState.REVERTED
    assert held(world, purse.address, usdt(world)) == 100 and held(world, spend.recipient, usdt(world)) == 0


def world_fee(purse: Purse, draft: Draft) -> int:
    return purse.world.adapter.explain(draft.unsigned).largest_fee
