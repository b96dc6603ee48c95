"""Sending over a real node: what is drafted arrives, what would fail is refused, what is short waits."""

from collections.abc import Callable
from typing import Any

import pytest

from cloudpay.chains.spending import Broadcast, FeeTier, KeyPath, Spend
from cloudpay.chains.types import Holding, TxState
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.oddities import DELEGATOR, Oddities
from cloudpay_evm.claims import claim_of
from cloudpay_evm.transactions import LEGACY, read

Address = Callable[[str], str]
Wallet = Any
COIN = 10**18


def received(wallet: Wallet, to: str, contract: str | None = None) -> int:
    holding = Holding(to, contract)
    adapter = wallet.adapter
    return int(adapter.balances([holding], adapter.head().latest.ref)[holding])


@pytest.mark.parametrize("kind", ["eip1559", "legacy"])
def test_native_coins_arrive_and_the_fee_is_what_the_source_paid(
    wallet_of: Any, evm_chain: DevChain, address: Address, kind: str
) -> None:
    wallet = wallet_of(evm_chain, transactions=kind)
    source, payee = wallet.source(COIN), address(f"native {kind}")
    signed = wallet.send(Spend("a", source, payee, None, COIN // 3))
    told = wallet.state(signed)
    assert (told.state, received(wallet, payee)) == (TxState.SUCCEEDED, COIN // 3)
    assert told.fee == COIN - COIN // 3 - received(wallet, source)
    explained = wallet.adapter.explain(signed.raw)
    assert explained.sender == source and 0 < told.fee <= explained.largest_fee
    assert (read(signed.raw)[0].kind == LEGACY) == (kind == "legacy")


@pytest.mark.parametrize("chain_name", ["evm_chain", "bsc_chain"])
def test_f73_a_token_that_returns_nothing_works_as_one_that_returns_true(
    request: pytest.FixtureRequest, wallet_of: Any, address: Address, chain_name: str
) -> None:
    chain = request.getfixturevalue(chain_name)
    wallet = wallet_of(chain)
    contract = chain.asset("USDT").token_address
    source, payee = wallet.source(tokens=500), address(f"token {chain_name}")
    signed = wallet.send(Spend("a", source, payee, contract, 400))
    assert wallet.state(signed).state is TxState.SUCCEEDED
    assert (received(wallet, payee, contract), received(wallet, source, contract)) == (400, 100)


def test_f73_a_token_that_answers_false_is_refused_before_anything_is_signed(
    wallet: Wallet, evm_chain: DevChain, address: Address
) -> None:
    odd = Oddities(evm_chain)
    contract, source = odd.place("OddToken"), wallet.source()
    odd.call(contract, "give(address,uint256)", source, 100)
    prepared = wallet.prepare(Spend("a", source, address("nobody"), contract, 40))
    assert prepared.drafts == ()
    [refusal] = prepared.refused
    assert refusal.spend_id == "a" and "would not send it" in refusal.reason


def test_f61_what_would_be_reverted_is_refused_and_the_others_are_drafted(
    wallet: Wallet, evm_chain: DevChain, address: Address
) -> None:
    contract = evm_chain.asset("USDT").token_address
    good, bad = wallet.source(tokens=10), wallet.source(tokens=10)
    evm_chain.block_account("USDT", bad)
    spends = [Spend(each, each, address("payee"), contract, 10) for each in (bad, good)]
    prepared = wallet.prepare(*spends)
    assert [draft.spends[0].id for draft in prepared.drafts] == [good]
    [refusal] = prepared.refused
    assert refusal.spend_id == bad and refusal.reason.startswith("it would be reverted: ")


def test_a_contract_that_takes_no_coins_is_refused_and_one_that_does_gets_the_gas_it_needs(
    wallet: Wallet, evm_chain: DevChain, address: Address
) -> None:
    refusing, taking = address("refuses"), address("takes")
    evm_chain.node.rpc.call("anvil_setCode", refusing, "0x60006000fd")
    evm_chain.node.rpc.call("anvil_setCode", taking, "0x5f545f555a5f5500")  # writes a slot
    source = wallet.source()
    prepared = wallet.prepare(Spend("no", source, refusing, None, 5), Spend("yes", source, taking, None, 5))
    assert [each.spend_id for each in prepared.refused] == ["no"]
    [draft] = prepared.drafts
    signed = wallet.sign(draft)
    assert [each.outcome for each in wallet.adapter.broadcast([signed])] == [Broadcast.ACCEPTED]
    assert wallet.state(signed).state is TxState.SUCCEEDED
    assert read(signed.raw)[0].gas > 21_000


def test_what_is_short_of_money_waits_and_takes_no_nonce(
    wallet: Wallet, evm_chain: DevChain, address: Address
) -> None:
    contract, payee = evm_chain.asset("USDT").token_address, address("short")
    source = wallet.source(COIN, tokens=100)
    spends = [
        Spend("too much", source, payee, None, 2 * COIN),
        Spend("its fee too", source, payee, None, COIN),
        Spend("60", source, payee, contract, 60),
        Spend("not 60 again", source, payee, contract, 60),
        Spend("40", source, payee, contract, 40),
        Spend("half", source, payee, None, COIN // 2),
        Spend("not half again", source, payee, None, COIN // 2),
    ]
    prepared = wallet.prepare(*spends)
    assert [draft.spends[0].id for draft in prepared.drafts] == ["60", "40", "half"]
    assert [draft.claims for draft in prepared.drafts] == [{claim_of(source, each)} for each in range(3)]
    assert prepared.refused == ()


def test_a_token_that_is_short_waits_though_a_try_would_be_reverted(
    wallet: Wallet, evm_chain: DevChain, address: Address
) -> None:
    source = wallet.source()
    contract = evm_chain.asset("USDT").token_address
    assert wallet.prepare(Spend("a", source, address("x"), contract, 1)) == wallet.prepare()


def test_a_contract_that_is_no_token_keeps_nobody_else_waiting(
    wallet: Wallet, evm_chain: DevChain, address: Address
) -> None:
    source, reverting = wallet.source(), address("reverting token")
    evm_chain.node.rpc.call("anvil_setCode", reverting, "0x60006000fd")
    contracts = [address("no contract"), reverting, None]
    prepared = wallet.prepare(*(Spend(str(each), source, address("x"), each, 1) for each in contracts))
    assert [draft.spends[0].contract for draft in prepared.drafts] == [None] and prepared.refused == ()


def test_the_lowest_free_nonce_is_claimed(wallet: Wallet, address: Address) -> None:
    source, payee = wallet.source(), address("nonces")
    wallet.send(Spend("0", source, payee, None, 1))
    wallet.taken = {claim_of(source, 1), claim_of(source, 3)}
    spends = [Spend(str(each), source, payee, None, 1) for each in range(3)]
    claims = [draft.claims for draft in wallet.prepare(*spends).drafts]
    assert claims == [{claim_of(source, each)} for each in (2, 4, 5)]


def test_f74_a_token_whose_sender_has_no_coins_needs_exactly_what_lacks_once(
    wallet: Wallet, evm_chain: DevChain, address: Address
) -> None:
    contract = evm_chain.asset("USDT").token_address
    sender = wallet.source(native=1_000, tokens=50)
    evm_chain.node.set_balance(wallet.station, COIN)
    sweep = Spend("sweep", sender, wallet.station, contract, 50)
    first, again = (wallet.prepare(sweep).drafts[0] for _ in range(2))
    [need] = first.needs
    assert again.needs[0].id == need.id == "sweep:top-up"
    assert (need.source, need.recipient, need.contract) == (wallet.station, sender, None)
    assert need.amount + 1_000 == wallet.adapter.explain(first.unsigned).largest_fee
    wallet.send(need)
    assert wallet.draft(sweep).needs == ()
    wallet.taken.clear()
    assert wallet.state(wallet.send(sweep)).state is TxState.SUCCEEDED
    assert received(wallet, wallet.station, contract) == 50


def test_the_gas_station_waits_for_coins_of_its_own(
    wallet: Wallet, evm_chain: DevChain, address: Address
) -> None:
    contract = evm_chain.asset("USDT").token_address
    evm_chain.fund(wallet.station, "USDT", 50)
    prepared = wallet.prepare(Spend("a", wallet.station, address("x"), contract, 50))
    assert (prepared.drafts, prepared.refused) == ((), ())


def test_a_top_up_still_does_when_the_base_fee_has_risen_since(
    wallet_of: Any, start_chain: Any, address: Address
) -> None:
    chain = start_chain("evm")
    wallet = wallet_of(chain)
    contract = chain.asset("USDT").token_address
    sender = wallet.source(native=0, tokens=50)
    sweep = Spend("sweep", sender, address("master"), contract, 50)
    [draft] = wallet.prepare(sweep).drafts
    chain.node.set_balance(sender, draft.needs[0].amount)
    base = int(str(chain.node.rpc.record("eth_getBlockByNumber", "latest", False)["baseFeePerGas"]), 16)
    for percent, needs in ((140, 0), (300, 1)):
        chain.node.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(base * percent // 100))
        chain.node.mine()
        [again] = wallet.prepare(sweep).drafts
        assert len(again.needs) == needs


def test_f59_what_costs_more_than_allowed_waits(
    wallet_of: Any, evm_chain: DevChain, address: Address
) -> None:
    evm_chain.node.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(50 * 10**9))
    evm_chain.node.mine()
    wallet = wallet_of(evm_chain, max_fee_gwei="40")
    spend = Spend("a", wallet.source(), address("x"), None, 1)
    assert wallet.prepare(spend).drafts == ()
    free = wallet_of(evm_chain)
    free.keys = wallet.keys
    [draft] = free.prepare(spend).drafts
    cost = free.adapter.explain(draft.unsigned).largest_fee
    [capped] = free.prepare(spend, fee_cap=cost * 3 // 4).drafts
    assert free.adapter.explain(capped.unsigned).largest_fee <= cost * 3 // 4
    assert free.prepare(spend, fee_cap=cost // 4).drafts == ()


def test_a_dearer_tier_offers_no_less(wallet: Wallet, address: Address) -> None:
    spend = Spend("a", wallet.source(), address("x"), None, 1)
    drafts = [wallet.prepare(spend, tier=tier).drafts[0] for tier in FeeTier]
    fees = [wallet.adapter.explain(each.unsigned).largest_fee for each in drafts]
    assert fees == sorted(fees)


def test_quotes_cost_one_call_and_cover_what_is_drafted(
    wallet: Wallet, evm_chain: DevChain, address: Address
) -> None:
    contract = evm_chain.asset("USDT").token_address
    source = wallet.source(tokens=5)
    spends = [Spend("n", source, address("x"), None, 1), Spend("t", source, address("y"), contract, 1)]
    drafts = wallet.prepare(*spends).drafts
    before = wallet.adapter.rpc_calls
    quotes = {(each.tier, each.contract): each.fee for each in wallet.adapter.fee_quotes()}
    assert wallet.adapter.rpc_calls == before + 1
    assert set(quotes) == {(tier, each) for tier in FeeTier for each in (None, contract)}
    for spend, draft in zip(spends, drafts, strict=True):
        assert quotes[FeeTier.MEDIUM, spend.contract] >= wallet.adapter.explain(draft.unsigned).largest_fee


def test_claims_are_used_up_when_their_transaction_is_final_and_not_before(
    wallet_of: Any, start_chain: Any, address: Address
) -> None:
    chain = start_chain("evm")
    wallet = wallet_of(chain)
    source, other = wallet.source(), wallet.source()
    for number in range(2):
        wallet.send(Spend(str(number), source, address("x"), None, 1))
    claims = [claim_of(source, each) for each in range(3)] + [claim_of(other, 0)]
    chain.node.mine(chain.spec.confirmations - 2)
    assert wallet.adapter.consumed(claims).claims == {claims[0]}
    chain.node.mine(1)
    told = wallet.adapter.consumed(claims)
    assert told.claims == set(claims[:2]) and told.final == wallet.adapter.head().final


def test_an_address_that_lends_its_name_may_have_one_transaction_open(
    wallet_of: Any, start_chain: Any, address: Address
) -> None:
    evm_chain = start_chain("evm")
    wallet = wallet_of(evm_chain, in_flight=1_000)
    plain, lent = wallet.source(), DELEGATOR.address
    assert wallet.adapter.in_flight([plain, lent]) == {plain: 1_000, lent: 1_000}
    odd = Oddities(evm_chain)
    odd.send_delegated("0x", 0, odd.place("Purse"), to=address("anybody"))
    assert wallet.adapter.in_flight([plain, lent]) == {plain: 1_000, lent: 1}
    assert wallet_of(evm_chain).adapter.in_flight([plain]) == {plain: 16}
    wallet.keys[lent] = KeyPath(0, 0, 3)
    payee = address("paid by a delegated one")
    assert wallet.state(wallet.send(Spend("a", lent, payee, None, 5))).state is TxState.SUCCEEDED
    assert received(wallet, payee) == 5


@pytest.mark.parametrize("asset", ["native", "token"])
def test_a_hundred_items_cost_a_few_calls_each_in_few_requests(
    wallet_of: Any, proxy: Any, evm_chain: DevChain, address: Address, asset: str
) -> None:
    wallet = wallet_of(evm_chain, [proxy.url])
    contract = evm_chain.asset("USDT").token_address if asset == "token" else None
    source = wallet.source(10 * COIN, tokens=100)
    spends = [
        Spend(str(each), source, address(f"one of a hundred {each}"), contract, 1) for each in range(100)
    ]
    wallet.adapter.fee_quotes()
    requests: list[bytes] = []
    proxy.on_request = requests.append
    calls = wallet.adapter.rpc_calls
    drafts = wallet.prepare(*spends).drafts
    answers = wallet.adapter.broadcast([wallet.sign(draft) for draft in drafts])
    assert [answer.outcome for answer in answers] == [Broadcast.ACCEPTED] * 100
    once, first = (
        (3, 0) if asset == "native" else (4, 1)
    )  # what the first token's transfer takes is estimated
    assert wallet.adapter.rpc_calls - calls == 100 * 2 + once + first
    assert len(requests) == 2 + 2 * 5 + first
    assert {received(wallet, each.recipient, contract) for each in spends} == {1}
