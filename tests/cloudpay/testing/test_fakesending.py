"""What a test may rely on when it has a fake chain send: what is taken in, what is included, what goes wrong."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest

from cloudpay.chains.settings import AssetSettings, NetworkSettings
from cloudpay.chains.spending import (
    Broadcast,
    Draft,
    FeeTier,
    KeyPath,
    Prepared,
    Signed,
    Spend,
    SpendContext,
)
from cloudpay.chains.types import Holding, TxState
from cloudpay.testing import FakeAddresses, FakeChain, SeedSigner, fake_address
from cloudpay.testing.fakewire import Wire

SIGNER, PATH, TOKEN = SeedSigner(), KeyPath(0, 1, 0), fake_address("token")
MASTER = FakeAddresses().derive(SIGNER.account_public_key(), PATH.chain, PATH.index)
PAYEE = fake_address("payee")


@pytest.fixture
def chain() -> FakeChain:
    assets = {"T": AssetSettings(contract=TOKEN, decimals=6), "N": AssetSettings(decimals=18)}
    chain = FakeChain("fake", NetworkSettings(confirmations=3, native="N", assets=assets))
    chain.fund(MASTER, 100_000)
    return chain


def prepare(chain: FakeChain, *amounts: int, to: str = PAYEE, **context: Any) -> Prepared:
    table = {"tier": FeeTier.MEDIUM, "fee_cap": 1_000, "keys": {MASTER: PATH}, "gas_station": MASTER}
    spends = [Spend(f"spend {amount}", MASTER, to, None, amount) for amount in amounts]
    return chain.prepare(spends, SpendContext(**{**table, **context}))


def signed(chain: FakeChain, drafts: Collection[Draft]) -> list[Signed]:
    return [chain.sign(draft, SIGNER) for draft in drafts]


def sent(chain: FakeChain, *amounts: int, **context: Any) -> list[str]:
    """Broadcast and answer the ids."""
    made = signed(chain, prepare(chain, *amounts, **context).drafts)
    assert {each.outcome for each in chain.broadcast(made)} == {Broadcast.ACCEPTED}
    return [each.tx_id for each in made]


def state(chain: FakeChain, tx_id: str) -> TxState:
    return chain.statuses([tx_id]).by_id[tx_id].state


def held(chain: FakeChain, address: str) -> int:
    holding = Holding(address, None)
    return chain.balances([holding], chain.head().latest.ref)[holding]


def test_a_signature_of_another_key_and_bytes_for_another_network_are_not_taken_in(chain: FakeChain) -> None:
    (draft,) = prepare(chain, 5).drafts
    forged = chain.sign(replace(draft, signers=(KeyPath(0, 1, 1),)), SIGNER)
    elsewhere = replace(Wire.decode(draft.unsigned), network="fake2").encode()
    moved = chain.sign(replace(draft, unsigned=elsewhere), SIGNER)
    answers = chain.broadcast([forged, moved, replace(moved, raw=b"no bytes of ours")])
    assert {each.outcome for each in answers} == {Broadcast.REJECTED}
    assert chain.mempool == ()


def test_what_is_broadcast_out_of_order_is_included_in_order(chain: FakeChain) -> None:
    first, second, third = signed(chain, prepare(chain, 5, 6, 7).drafts)
    chain.broadcast([third, first])
    chain.mine()
    assert [state(chain, each.tx_id) for each in (first, third)] == [TxState.SUCCEEDED, TxState.PENDING]
    chain.broadcast([second])
    chain.mine()
    assert [state(chain, each.tx_id) for each in (second, third)] == [TxState.SUCCEEDED] * 2
    assert held(chain, PAYEE) == 18


def test_the_sender_pays_what_is_asked_less_what_the_script_gives_back(chain: FakeChain) -> None:
    chain.refund = 3
    (tx_id,) = sent(chain, 5)
    chain.mine()
    assert chain.statuses([tx_id]).by_id[tx_id].fee == 17
    assert held(chain, MASTER) == 100_000 - 5 - 17


def test_a_cheap_transaction_holds_up_a_dearer_one_until_it_is_replaced(chain: FakeChain) -> None:
    (low,) = prepare(chain, 5, tier=FeeTier.LOW).drafts
    (cheap,) = signed(chain, [low])
    chain.broadcast([cheap])
    (dear,) = sent(chain, 6, tier=FeeTier.HIGH, taken=low.claims)
    chain.floor = 15
    chain.mine()
    assert chain.mempool == (cheap.tx_id, dear)
    (better,) = sent(chain, 5, replaces=low)
    chain.mine()
    assert [state(chain, each) for each in (better, dear)] == [TxState.SUCCEEDED] * 2
    assert state(chain, cheap.tx_id) is TxState.UNKNOWN


def test_a_replacement_that_is_hardly_dearer_is_rejected(chain: FakeChain) -> None:
    (draft,) = prepare(chain, 5).drafts
    wire = Wire.decode(draft.unsigned)
    bids = [replace(draft, unsigned=replace(wire, fee=fee).encode()) for fee in (20, 21, 22)]
    outcomes = [each.outcome for each in chain.broadcast(signed(chain, bids))]
    assert outcomes == [Broadcast.ACCEPTED, Broadcast.REJECTED, Broadcast.ACCEPTED]


def test_beyond_its_window_an_address_gets_nothing_more_in(chain: FakeChain) -> None:
    chain.window, chain.windows = 2, {fake_address("delegated"): 1}
    answers = chain.broadcast(signed(chain, prepare(chain, 5, 6, 7).drafts))
    assert [each.outcome for each in answers] == [Broadcast.ACCEPTED] * 2 + [Broadcast.REJECTED]
    assert chain.in_flight([MASTER, fake_address("delegated")]) == {MASTER: 2, fake_address("delegated"): 1}


@pytest.mark.parametrize("says", [Broadcast.UNKNOWN, Broadcast.REJECTED, Broadcast.KNOWN])
def test_a_node_can_say_anything_and_take_the_bytes_all_the_same(chain: FakeChain, says: Broadcast) -> None:
    chain.says = says
    made = signed(chain, prepare(chain, 5).drafts)
    assert [each.outcome for each in chain.broadcast(made)] == [says]
    chain.mine()
    assert state(chain, made[0].tx_id) is TxState.SUCCEEDED
    assert chain.heard == made


def test_what_the_mempool_forgot_gets_in_by_the_same_bytes(chain: FakeChain) -> None:
    made = signed(chain, prepare(chain, 5).drafts)
    chain.broadcast(made)
    chain.forget()
    chain.mine()
    assert state(chain, made[0].tx_id) is TxState.UNKNOWN
    chain.broadcast(made)
    chain.mine()
    assert state(chain, made[0].tx_id) is TxState.SUCCEEDED


def test_who_has_the_key_uses_up_a_nonce_from_outside(chain: FakeChain) -> None:
    draft, *_ = prepare(chain, 5).drafts
    (ours,) = signed(chain, [draft])
    chain.broadcast([ours])
    theirs = chain.spend_from_outside(MASTER, fake_address("thief"), 1_000)
    assert chain.mempool == (theirs,)
    chain.mine(3)
    assert chain.consumed(draft.claims).claims == draft.claims
    assert state(chain, ours.tx_id) is TxState.UNKNOWN
    assert chain.broadcast([ours])[0].outcome is Broadcast.REJECTED
    with pytest.raises(ValueError, match="fund"):
        chain.spend_from_outside(MASTER, fake_address("thief"), 10**9)


def test_a_reverted_transfer_costs_its_fee_and_its_nonce(chain: FakeChain) -> None:
    chain.reverting.add(PAYEE)
    (tx_id,) = sent(chain, 5)
    chain.mine()
    status = chain.statuses([tx_id]).by_id[tx_id]
    assert (status.state, status.fee) == (TxState.REVERTED, 20)
    assert (held(chain, PAYEE), held(chain, MASTER)) == (0, 100_000 - 20)
    assert chain.sequence(MASTER) == 1


def test_a_reverted_transfer_can_succeed_after_a_reorganisation(chain: FakeChain) -> None:
    chain.reverting.add(PAYEE)
    (tx_id,) = sent(chain, 5)
    chain.mine()
    chain.reverting.clear()
    chain.reorg(1)
    assert state(chain, tx_id) is TxState.SUCCEEDED
    assert held(chain, PAYEE) == 5


def test_a_recipient_that_can_receive_nothing_is_refused(chain: FakeChain) -> None:
    chain.refusing.add(PAYEE)
    prepared = prepare(chain, 5)
    assert prepared.drafts == ()
    assert [each.spend_id for each in prepared.refused] == ["spend 5"]


def test_what_cannot_be_paid_for_waits(chain: FakeChain) -> None:
    prepared = prepare(chain, 100_000, 99_000, 2_000)
    assert [draft.spends[0].amount for draft in prepared.drafts] == [99_000]
    assert prepared.refused == ()
    assert prepare(chain, 5, fee_cap=19) == Prepared(())


def test_what_waits_already_is_not_promised_twice(chain: FakeChain) -> None:
    (draft,) = prepare(chain, 60_000).drafts
    chain.broadcast(signed(chain, [draft]))
    assert prepare(chain, 60_000, taken=draft.claims).drafts == ()
    assert len(prepare(chain, 60_000, replaces=draft).drafts) == 1


@pytest.mark.parametrize("dropped", [True, False])
def test_a_reorganisation_gives_nonces_back(chain: FakeChain, dropped: bool) -> None:
    ids = sent(chain, 5, 6)
    chain.mine()
    chain.reorg(1, drop=ids[:1] if dropped else ())
    wanted = [TxState.UNKNOWN, TxState.PENDING] if dropped else [TxState.SUCCEEDED] * 2
    assert [state(chain, each) for each in ids] == wanted
    assert chain.sequence(MASTER) == (0 if dropped else 2)


def test_quotes_are_those_of_each_listed_asset(chain: FakeChain) -> None:
    chain.prices[FeeTier.LOW] = 12
    quotes = {(each.tier, each.contract): each.fee for each in chain.fee_quotes()}
    assert quotes[FeeTier.LOW, None] == 12
    assert quotes[FeeTier.HIGH, TOKEN] == 120
    assert len(quotes) == 6
