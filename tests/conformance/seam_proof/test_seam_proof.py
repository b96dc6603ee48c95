"""One sending loop without a word about any chain sends through sequences, expiry and coins alike."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from cloudpay.chains.spending import Broadcast, Coin, KeyPath, Prepared, Spend, SpendContext
from cloudpay.chains.types import Holding, TxState
from cloudpay.testing import FakeAddresses, FakeChain, SeedSigner, fake_address
from cloudpay.testing.conformance import ChainConformance
from cloudpay.testing.fakewire import Wire as SequenceWire
from tests.conformance.seam_proof.chains import CoinChain, ExpiringChain, Wire
from tests.conformance.seam_proof.coin_world import CoinWorld
from tests.conformance.seam_proof.engine import Engine

SIGNER = SeedSigner()
PATHS = [KeyPath(0, 1, 0), KeyPath(0, 1, 1), KeyPath(0, 0, 0)]
SOURCE, STATION, DEPOSIT = (
    FakeAddresses().derive(SIGNER.account_public_key(), path.chain, path.index) for path in PATHS
)
KEYS = dict(zip((SOURCE, STATION), PATHS, strict=False))
WINDOW = 2
AMOUNTS = (100, 200, 200, 70)
ALL = pytest.mark.parametrize("kind", [FakeChain, ExpiringChain, CoinChain])
WITH_CLAIMS = pytest.mark.parametrize("kind", [FakeChain, CoinChain])


class TestCoinChainReads(ChainConformance):
    """A chain of coins is held to the reading half of the seam by the same suite."""

    @pytest.fixture
    def world(self) -> CoinWorld:
        return CoinWorld()


@dataclass
class Bench:
    """A chain with money on it, and an engine that sends it."""

    chain: FakeChain
    engine: Engine

    def another_engine(self) -> Engine:
        return _engine(self.chain)

    def go_on(self, steps: int = 30) -> None:
        for _ in range(steps):
            self.engine.step()
            self.chain.mine()

    def received(self) -> list[int]:
        holdings = [Holding(each.recipient, None) for each in SPENDS]
        held = self.chain.balances(holdings, self.chain.head().latest.ref)
        return [held[each] for each in holdings]

    def everything_was_paid_once(self) -> bool:
        return self.received() == list(AMOUNTS) and self.engine.settled == dict.fromkeys(IDS, "confirmed")


SPENDS = [
    Spend(f"spend {number}", SOURCE, fake_address(f"payee {number}"), None, amount)
    for number, amount in enumerate(AMOUNTS)
]
IDS = [spend.id for spend in SPENDS]


def bench(kind: type[FakeChain]) -> Bench:
    chain = kind()
    if isinstance(chain, CoinChain):
        for amount in (150, 150, 150, 150, 150, 150):
            chain.give(SOURCE, amount)
    else:
        chain.fund(SOURCE, 10_000)
        chain.window = min(chain.window, WINDOW)
    chain.mine()
    return Bench(chain, _engine(chain))


def _engine(chain: FakeChain) -> Engine:
    def coins() -> tuple[Coin, ...]:
        return (
            tuple(each for each in chain.coins() if each.address in KEYS)
            if isinstance(chain, CoinChain)
            else ()
        )

    return Engine(chain, SIGNER, KEYS, STATION, coins)


@ALL
def test_every_spend_is_settled_once(kind: type[FakeChain]) -> None:
    it = bench(kind)
    for batch in (SPENDS[:2], SPENDS[1:], SPENDS):
        it.engine.add(batch)
        it.engine.step()
    it.go_on()
    it.engine.add(SPENDS)
    it.go_on()
    assert it.everything_was_paid_once()


def test_no_more_transactions_wait_than_the_chain_allows() -> None:
    it = bench(FakeChain)
    it.engine.add(SPENDS)
    it.engine.step()
    assert len(it.engine.open) == len(it.chain.mempool) == WINDOW


@WITH_CLAIMS
def test_open_transactions_share_no_claim(kind: type[FakeChain]) -> None:
    it = bench(kind)
    for spend in SPENDS[:2]:
        it.engine.add([spend])
        it.engine.step()
    first, second = it.engine.open
    assert not first.claims & second.claims


@ALL
def test_after_a_crash_between_signing_and_broadcasting_the_same_bytes_go_out(
    kind: type[FakeChain],
) -> None:
    it = bench(kind)
    it.engine.add(SPENDS)
    it.engine.plan()
    kept = [each.attempts[0].tx_id for each in it.engine.open]
    it.go_on()
    assert it.everything_was_paid_once()
    assert all(each.state is TxState.SUCCEEDED for each in it.chain.statuses(kept).by_id.values())


@ALL
def test_a_lost_answer_pays_nothing_twice(kind: type[FakeChain]) -> None:
    it = bench(kind)
    it.chain.says = Broadcast.UNKNOWN
    it.engine.add(SPENDS)
    it.go_on()
    assert it.everything_was_paid_once()


@ALL
def test_what_a_mempool_forgot_is_sent_again(kind: type[FakeChain]) -> None:
    it = bench(kind)
    it.engine.add(SPENDS)
    for _ in range(3):
        it.engine.step()
        it.chain.forget()
    it.go_on()
    assert it.everything_was_paid_once()


@ALL
def test_a_reorganisation_pays_nothing_twice(kind: type[FakeChain]) -> None:
    it = bench(kind)
    it.engine.add(SPENDS)
    it.go_on(4)
    it.chain.reorg(3, remine=False)
    it.chain.forget()
    it.go_on()
    assert it.everything_was_paid_once()


@WITH_CLAIMS
def test_what_is_too_cheap_is_replaced_under_the_same_claims(kind: type[FakeChain]) -> None:
    it = bench(kind)
    it.chain.floor = 30
    it.engine.add(SPENDS)
    it.engine.step()
    first = [each.attempts[0].tx_id for each in it.engine.open]
    it.go_on()
    assert it.everything_was_paid_once()
    assert all(each.state is TxState.UNKNOWN for each in it.chain.statuses(first).by_id.values())


def test_a_replacement_that_could_be_included_beside_the_replaced_one_is_refused() -> None:
    class Forgetful(CoinChain):
        def prepare(self, spends: Sequence[Spend], context: SpendContext) -> Prepared:
            return super().prepare(spends, replace(context, replaces=None))

    it = bench(Forgetful)
    it.chain.floor = 30
    it.engine.add(SPENDS[:1])
    with pytest.raises(AssertionError, match="drops a claim"):
        it.go_on()


def test_without_claims_what_is_too_cheap_waits_until_it_is_dead_for_certain() -> None:
    it = bench(ExpiringChain)
    it.chain.floor = 30
    it.engine.add(SPENDS)
    it.engine.step()
    first = {each.attempts[0].tx_id: each.draft.expires_at or 0 for each in it.engine.open}
    while it.engine.open[0].attempts[0].tx_id in first:
        final = it.chain.header_at(it.chain.head().final.height)
        assert final.time <= max(first.values()) + 3, "it was dead and was not sent anew"
        it.chain.mine()
        it.engine.step()
    assert it.chain.header_at(it.chain.head().final.height).time > max(first.values())
    it.chain.floor = 0
    it.go_on()
    assert it.everything_was_paid_once()


@WITH_CLAIMS
def test_claims_that_somebody_else_used_are_seen_and_not_paid_again(kind: type[FakeChain]) -> None:
    it = bench(kind)
    thief, loot = it.another_engine(), fake_address("not ours")
    it.engine.add(SPENDS[:1])
    it.engine.plan()
    thief.add([Spend("outside", SOURCE, loot, None, 110)])
    thief.step()
    it.chain.mine()
    it.go_on()
    assert it.engine.settled == {"spend 0": "consumed from outside"}
    assert it.received()[0] == 0


@pytest.mark.parametrize("kind", [FakeChain, ExpiringChain])
def test_what_a_spend_needs_is_done_first(kind: type[FakeChain]) -> None:
    it = bench(kind)
    token = fake_address("token")
    it.chain.fund(DEPOSIT, 500, token)
    it.chain.fund(STATION, 1_000)
    it.engine.keys = {**KEYS, DEPOSIT: PATHS[2]}
    it.engine.add([Spend("sweep", DEPOSIT, SOURCE, token, 500)])
    it.go_on(60)
    assert it.engine.settled == {"sweep:top-up": "confirmed", "sweep": "confirmed"}
    tip = it.chain.head().latest.ref
    held = it.chain.balances([Holding(SOURCE, token), Holding(DEPOSIT, None)], tip)
    assert list(held.values()) == [500, 0], "the address got what the fee costs and no more"


def test_coins_carry_many_spends_in_one_transaction_and_give_change() -> None:
    it = bench(CoinChain)
    it.engine.add(SPENDS)
    it.engine.plan()
    (transaction,) = it.engine.open
    assert len(transaction.draft.spends) == len(SPENDS)
    assert len(transaction.claims) == 4
    it.go_on()
    left = it.chain.balances([Holding(SOURCE, None)], it.chain.head().latest.ref)
    assert list(left.values()) == [900 - sum(AMOUNTS) - 20]
    assert it.everything_was_paid_once()


@ALL
def test_bytes_that_do_more_than_was_asked_are_not_signed(kind: type[FakeChain]) -> None:
    class Greedy(kind):  # type: ignore[misc, valid-type]  # a base that is a parameter
        def prepare(self, spends: Sequence[Spend], context: SpendContext) -> Prepared:
            drafts = super().prepare(spends, context).drafts
            return Prepared(tuple(replace(each, unsigned=_with_more(each.unsigned)) for each in drafts))

    it = bench(Greedy)
    it.engine.add(SPENDS)
    with pytest.raises(AssertionError, match="something else than was asked"):
        it.engine.plan()
    assert it.chain.mempool == ()


def _with_more(unsigned: bytes) -> bytes:
    if unsigned.startswith(b"fake-transaction"):
        one = SequenceWire.decode(unsigned)
        return replace(one, amount=one.amount + 1).encode()
    wire = Wire.decode(unsigned)
    return replace(wire, payees=(*wire.payees, (fake_address("greedy"), None, 1))).encode()
