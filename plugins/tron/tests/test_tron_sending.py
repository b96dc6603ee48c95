"""Sending over a node for development: expiry instead of claims, bytes of our own, fees told and quoted."""

import itertools
from collections.abc import Iterator
from typing import Any, cast

import pytest

from cloudpay.chains.registry import load_chains
from cloudpay.chains.spending import Broadcast, Draft, FeeTier, KeyPath, Payee, Signed, Spend, SpendContext
from cloudpay.chains.types import TxState
from cloudpay.testing import SeedSigner
from cloudpay_devnet.tron.node import TronNode
from cloudpay_tron.adapter import TronAdapter
from cloudpay_tron.addresses import TronAddresses
from cloudpay_tron.node import Node

TRX = 1_000_000
SIGNER = SeedSigner(coin_type=195)
_INDEXES = itertools.count(20_000)


class Bench:
    """One chain that mines on demand, an adapter over it, and new addresses."""

    def __init__(self, chain: TronNode) -> None:
        self.chain = chain
        self.keys: dict[str, KeyPath] = {}
        self.adapter = self.open()

    def open(self, **more: Any) -> TronAdapter:
        genesis = self.chain.call("wallet/getblock", id_or_num="0", detail=False)["blockID"]
        table = {
            "rpc_urls": [self.chain.url],
            "genesis": genesis,
            "assets": {"USDT": False, "USDD": False},
            **more,
        }
        return cast("TronAdapter", load_chains({"tron": table}, "tron").adapter("tron"))

    def address(self, sun: int = 0) -> str:
        path = KeyPath(0, 0, next(_INDEXES))
        address = TronAddresses("tron").derive(SIGNER.account_public_key(), path.chain, path.index)
        self.keys[address] = path
        if sun:
            self.chain.fund(address, sun)
        return address

    def context(self, **more: Any) -> SpendContext:
        table: dict[str, Any] = {
            "tier": FeeTier.MEDIUM,
            "fee_cap": 100 * TRX,
            "keys": self.keys,
            "gas_station": "",
            **more,
        }
        return SpendContext(**table)

    def draft(self, spend: Spend) -> Draft:
        [draft] = self.adapter.prepare([spend], self.context()).drafts
        return draft

    def signed(self, spend: Spend) -> Signed:
        return self.adapter.sign(self.draft(spend), SIGNER)

    def outcome(self, signed: Signed) -> Broadcast:
        [answer] = self.adapter.broadcast([signed])
        return answer.outcome

    def state(self, signed: Signed) -> TxState:
        return self.adapter.statuses([signed.tx_id]).by_id[signed.tx_id].state


@pytest.fixture(scope="module")
def chain() -> Iterator[TronNode]:
    with TronNode.start() as chain:
        chain.set_block_time(None)
        chain.mine(20)
        yield chain


@pytest.fixture
def bench(chain: TronNode) -> Iterator[Bench]:
    bench = Bench(chain)
    yield bench
    bench.adapter.close()


def spend(bench: Bench, amount: int = 5, *, source: str = "", to: str = "") -> Spend:
    source = source or bench.address(10 * TRX)
    return Spend(f"spd_{next(_INDEXES)}", source, to or bench.address(), None, amount)


def test_f15_what_is_included_but_not_solid_is_seen_and_not_final(bench: Bench) -> None:
    start = bench.adapter.head().latest.ref
    payment = spend(bench)
    assert bench.outcome(bench.signed(payment)) is Broadcast.ACCEPTED
    bench.chain.mine()
    [found] = bench.adapter.scan(
        start, 50, lambda all_: frozenset({payment.recipient}) & frozenset(all_)
    ).transfers
    head = bench.adapter.head()
    assert found.amount == 5 and head.latest.height >= found.block.height > head.final.height
    bench.chain.mine(18)
    assert bench.adapter.head().final.height < found.block.height
    bench.chain.mine()
    assert bench.adapter.head().final.height >= found.block.height


def test_two_payments_of_one_kind_are_two_transactions(bench: Bench) -> None:
    source, to = bench.address(10 * TRX), bench.address()
    twins = [spend(bench, source=source, to=to) for _ in range(2)]
    ids = {
        bench.adapter.sign(each, SIGNER).tx_id
        for each in bench.adapter.prepare(twins, bench.context()).drafts
    }
    assert len(ids) == 2, "two payouts of the same amount to the same address would be paid once"
    assert bench.signed(twins[0]).tx_id in ids, "drafted again at the same head it is the same transaction"


def test_f70_what_expired_is_gone_only_once_solid_time_is_past_and_the_id_is_absent(bench: Bench) -> None:
    payment = spend(bench)
    draft = bench.draft(payment)
    signed = bench.adapter.sign(draft, SIGNER)
    assert draft.expires_at and draft.claims == frozenset()
    head = bench.adapter.head()
    assert 0 < draft.expires_at - head.latest.time <= 600
    bench.chain.pass_time(600)
    assert bench.adapter.head().latest.time >= draft.expires_at
    final = bench.adapter.header_at(bench.adapter.statuses([signed.tx_id]).final.height)
    assert final.time < draft.expires_at, "at the head it is past, and in the solid chain not yet"
    bench.chain.pass_time(3)
    bench.chain.mine(20)
    told = bench.adapter.statuses([signed.tx_id])
    assert told.by_id[signed.tx_id].state is TxState.UNKNOWN
    assert bench.adapter.header_at(told.final.height).time > draft.expires_at
    assert bench.outcome(signed) is Broadcast.REJECTED, "no node takes it any more"
    anew = bench.signed(payment)
    assert anew.tx_id != signed.tx_id
    assert bench.outcome(anew) is Broadcast.ACCEPTED
    bench.chain.mine()
    assert (bench.state(anew), bench.state(signed)) == (TxState.SUCCEEDED, TxState.UNKNOWN)


def test_f70_a_lost_transaction_is_handed_over_again_as_the_same_bytes(bench: Bench) -> None:
    signed = bench.signed(spend(bench))
    bench.chain.fault("lost", times=1)
    assert bench.outcome(signed) is Broadcast.ACCEPTED
    bench.chain.mine()
    assert bench.state(signed) is TxState.UNKNOWN, "not failed"
    assert bench.outcome(signed) is Broadcast.ACCEPTED
    bench.chain.mine()
    assert bench.state(signed) is TxState.SUCCEEDED


def test_f52_a_broadcast_without_an_answer_is_unknown_and_known_the_next_time(bench: Bench) -> None:
    signed = bench.signed(spend(bench))
    bench.chain.fault("deaf", times=1)
    assert bench.outcome(signed) is Broadcast.UNKNOWN
    bench.adapter = bench.open()  # the node of the other rests
    assert bench.outcome(signed) is Broadcast.KNOWN
    bench.chain.mine()
    assert bench.outcome(signed) is Broadcast.KNOWN, "DUP_TRANSACTION_ERROR also for what is in a block"


def test_f53_a_busy_node_says_nothing_of_the_transaction(bench: Bench) -> None:
    signed = bench.signed(spend(bench))
    bench.chain.fault("busy", times=1)
    assert bench.outcome(signed) is Broadcast.UNKNOWN


def test_f71_a_recipient_without_an_account_costs_what_was_quoted_and_reserved(bench: Bench) -> None:
    payment = spend(bench)
    quote = next(each.fee for each in bench.adapter.fee_quotes() if each.contract is None)
    draft = bench.draft(payment)
    signed = bench.adapter.sign(draft, SIGNER)
    bench.outcome(signed)
    bench.chain.mine()
    fee = bench.adapter.statuses([signed.tx_id]).by_id[signed.tx_id].fee
    assert fee == 1_100_000 == bench.adapter.explain(draft.unsigned).largest_fee <= quote


def test_f71_a_source_that_cannot_pay_for_the_account_of_its_recipient_waits(bench: Bench) -> None:
    source = bench.address(TRX)
    assert bench.adapter.prepare([spend(bench, source=source)], bench.context()).drafts == ()


def test_f71_to_an_account_that_is_there_the_free_bandwidth_is_enough(bench: Bench) -> None:
    source, to = bench.address(TRX), bench.address(1)
    signed = bench.signed(spend(bench, TRX, source=source, to=to))
    assert bench.outcome(signed) is Broadcast.ACCEPTED
    bench.chain.mine()
    status = bench.adapter.statuses([signed.tx_id]).by_id[signed.tx_id]
    assert (status.state, status.fee) == (TxState.SUCCEEDED, 0), "all that it had has left"


def test_f71_what_ran_out_of_energy_has_failed_and_its_burned_fee_is_told(
    scripted: Any, headers: Any
) -> None:
    from cloudpay_tron.lookups import statuses

    told = {"id": "ab" * 32, "fee": 4_200_000, "blockNumber": 8, "result": "FAILED"}
    node = scripted(
        {
            "wallet/gettransactioninfobyid": {**told, "receipt": {"result": "OUT_OF_ENERGY"}},
            "wallet/getblock": headers(8),
        }
    )
    status = statuses(node, ["ab" * 32])["ab" * 32]
    assert (status.state, status.fee) == (TxState.REVERTED, 4_200_000)


@pytest.mark.parametrize("kind", ["wrong_txid", "forged"])
def test_a_node_that_makes_another_transaction_than_asked_for_gets_no_signature(
    bench: Bench, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[str] = set()
    post = Node.post

    def noted(self: Node, url: str, body: str, calls: int) -> bytes:
        asked.add(url.removeprefix(f"{bench.chain.url}/"))
        return post(self, url, body, calls)

    monkeypatch.setattr(Node, "post", noted)
    bench.chain.fault(kind)
    try:
        payment = spend(bench)
        signed = bench.signed(payment)
        explained = bench.adapter.explain(signed.raw)
        assert explained.payees == (Payee(payment.recipient, None, 5),), "what is signed is ours alone"
        assert explained.sender == payment.source
        assert bench.outcome(signed) is Broadcast.ACCEPTED
    finally:
        bench.chain.heal()
    bench.chain.mine()
    assert bench.state(signed) is TxState.SUCCEEDED
    made_by_nodes = {
        path for path in asked if "create" in path or "triggersmart" in path or "transfer" in path
    }
    assert asked and not made_by_nodes, "no node is ever asked to make a transaction"


def test_bytes_that_were_exchanged_after_drafting_get_no_signature(bench: Bench) -> None:
    from dataclasses import replace

    mine, theirs = spend(bench), spend(bench)
    draft = bench.draft(mine)
    exchanged = [
        replace(draft, unsigned=bench.draft(theirs).unsigned),
        replace(draft, unsigned=bench.signed(mine).raw),
        replace(draft, expires_at=(draft.expires_at or 0) + 1),
    ]
    for wrong in exchanged:
        with pytest.raises(ValueError, match=r"another|already"):
            bench.adapter.sign(wrong, SIGNER)


def test_a_chain_that_asks_more_than_the_settings_allow_sends_nothing(bench: Bench) -> None:
    cheap = bench.open(max_bandwidth_sun=999)
    assert cheap.prepare([spend(bench)], bench.context()).drafts == ()
    cheap.close()


def test_staked_resources_and_what_was_drafted_before_are_reckoned_with(scripted: Any) -> None:
    from cloudpay_tron.purses import Purse

    purse = Purse({None: 0}, energy=100, bandwidth=[50, 600])
    assert purse.bytes_to_pay(345) == 0
    purse.use(345, 70)
    assert (purse.bytes_to_pay(345), purse.bandwidth, purse.energy) == (345, [50, 255], 30)
    purse.use(345, 70)
    assert (purse.bandwidth, purse.energy) == ([50, 255], 0)
