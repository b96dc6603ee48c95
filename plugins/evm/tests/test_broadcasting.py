"""What nodes say to a broadcast, in their own words; neither a refusal nor a silence means failed."""

from collections.abc import Callable
from typing import Any

import pytest

from cloudpay.chains.spending import Broadcast, Signed, Spend
from cloudpay.chains.types import TxState
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.faultproxy import Answered, FaultProxy, JsonCall, Raw
from cloudpay_evm.broadcasting import outcome_of
from cloudpay_evm.errors import Refused

Address = Callable[[str], str]
Wallet = Any
KNOWN, REJECTED, UNKNOWN = Broadcast.KNOWN, Broadcast.REJECTED, Broadcast.UNKNOWN

WORDS = [
    ("already known", KNOWN),  # geth, Reth, BSC, Bor
    ("ALREADY_EXISTS: already known", KNOWN),  # Erigon
    ("AlreadyKnown", KNOWN),  # Nethermind
    ("Known transaction", KNOWN),  # Besu
    ("known transaction: 0b1f", KNOWN),  # geth until 1.9
    ("transaction already imported", KNOWN),  # anvil
    ("Transaction with the same hash was already imported.", KNOWN),  # OpenEthereum
    ("unknown transaction type", REJECTED),
    ("nonce too low: next nonce 5, tx nonce 4", REJECTED),
    ("OldNonce", REJECTED),  # Nethermind
    ("nonce too high", REJECTED),
    ("replacement transaction underpriced", REJECTED),
    ("ReplacementNotAllowed", REJECTED),  # Nethermind
    ("transaction underpriced: gas tip cap 1, minimum needed 25000000000", REJECTED),
    ("insufficient funds for gas * price + value: balance 1, tx cost 2, overshot 1", REJECTED),
    ("tx fee (2.00 ether) exceeds the configured cap (1.00 ether)", REJECTED),
    ("max fee per gas less than block base fee", REJECTED),
    ("intrinsic gas too low", REJECTED),
    ("exceeds block gas limit", REJECTED),
    ("txpool is full", REJECTED),
    ("in-flight transaction limit reached for delegated accounts", REJECTED),
    ("invalid sender", REJECTED),
    ("invalid chain id for signer: have 1 want 5", REJECTED),
    ("only replay-protected (EIP-155) transactions allowed over RPC", REJECTED),
    ("rlp: expected input list for types.LegacyTx", REJECTED),
    ("Internal error", UNKNOWN),
    ("request timed out: nonce unknown", UNKNOWN),
    ("the moon is in the wrong quarter", UNKNOWN),
]


@pytest.mark.parametrize(("words", "outcome"), WORDS)
def test_f53_f54_f55_each_nodes_words_are_understood(words: str, outcome: Broadcast) -> None:
    assert outcome_of(Refused("eth_sendRawTransaction", -32000, words)) is outcome


def said(wallet: Wallet, *signed: Signed) -> list[Broadcast]:
    return [answer.outcome for answer in wallet.adapter.broadcast(signed)]


@pytest.fixture
def waiting(start_chain: Any) -> DevChain:
    """A chain on which what is sent waits until a block is mined."""
    chain: DevChain = start_chain("evm")
    return chain


def test_f53_the_same_bytes_again_are_known_and_after_their_block_nothing_is_paid_twice(
    wallet_of: Any, waiting: DevChain, address: Address
) -> None:
    wallet = wallet_of(waiting)
    source, payee = wallet.source(), address("once")
    waiting.node.set_automine(False)
    signed = wallet.send(Spend("a", source, payee, None, 5))
    assert said(wallet, signed, signed) == [KNOWN, KNOWN]
    waiting.node.mine()
    assert said(wallet, signed)[0] in (KNOWN, REJECTED)
    waiting.node.mine()
    assert waiting.balance("ETH", payee) == 5 and wallet.state(signed).state is TxState.SUCCEEDED


def test_f54_a_nonce_that_is_used_up_is_rejected(wallet: Wallet, address: Address) -> None:
    spend = Spend("a", wallet.source(), address("f54"), None, 5)
    late = wallet.sign(wallet.draft(spend))
    wallet.taken.clear()
    wallet.send(Spend("b", spend.source, address("other"), None, 7))
    [answer] = wallet.adapter.broadcast([late])
    assert answer.outcome is REJECTED and "nonce" in answer.reason


def test_f55_ten_percent_more_replace_a_transaction_under_its_claim_and_less_does_not(
    wallet_of: Any, waiting: DevChain, address: Address
) -> None:
    wallet = wallet_of(waiting)
    source, payee = wallet.source(), address("replaced")
    waiting.node.set_automine(False)
    spend = Spend("a", source, payee, None, 5)
    draft = wallet.draft(spend)
    first = wallet.sign(draft)
    assert said(wallet, first) == [Broadcast.ACCEPTED]
    wallet.taken.clear()
    rival = wallet.sign(wallet.draft(Spend("b", source, payee, None, 6)))
    [answer] = wallet.adapter.broadcast([rival])
    assert answer.outcome is REJECTED and "underpriced" in answer.reason
    [dearer] = wallet.prepare(spend, replaces=draft).drafts
    assert dearer.claims == draft.claims
    second = wallet.sign(dearer)
    assert said(wallet, second) == [Broadcast.ACCEPTED]
    waiting.node.mine()
    assert (wallet.state(first).state, wallet.state(second).state) == (TxState.UNKNOWN, TxState.SUCCEEDED)
    assert waiting.balance("ETH", payee) == 5
    assert wallet.prepare(spend, replaces=dearer).drafts == (), "its nonce is used up"


def test_a_batch_has_one_answer_for_each(wallet: Wallet, address: Address) -> None:
    rich, poor = wallet.source(), wallet.source()
    drafts = [wallet.draft(Spend(each, each, address("mixed"), None, 5)) for each in (rich, poor)]
    good, short = (wallet.sign(draft) for draft in drafts)
    wallet.chain.node.set_balance(poor, 0)
    garbage = Signed("0x" + "00" * 32, b"\x02\xff\x00")
    assert said(wallet, short, good, garbage, good)[:3] == [REJECTED, Broadcast.ACCEPTED, REJECTED]


@pytest.fixture
def signed(wallet: Wallet, address: Address) -> Signed:
    signed: Signed = wallet.sign(wallet.draft(Spend("a", wallet.source(), address("silent"), None, 5)))
    return signed


def test_f52_an_answer_that_is_lost_is_unknown_and_the_money_has_moved(
    wallet_of: Any, proxy: FaultProxy, evm_chain: DevChain, signed: Signed
) -> None:
    adapter = wallet_of(evm_chain, [proxy.url]).adapter
    adapter.head()
    proxy.on_call = lambda call: None
    sent = evm_chain.node.rpc.text("eth_sendRawTransaction", "0x" + signed.raw.hex())
    proxy.on_request = lambda body: Raw(200, b'{"jsonrpc": "2.0", "id"') if b"sendRaw" in body else None
    [answer] = adapter.broadcast([signed])
    assert answer.outcome is UNKNOWN and answer.reason
    assert sent == signed.tx_id, "the id is computed here as the node computes it"


def test_a_node_that_is_down_leaves_everything_unknown(
    wallet_of: Any, proxy: FaultProxy, evm_chain: DevChain, signed: Signed
) -> None:
    adapter = wallet_of(evm_chain, [proxy.url]).adapter
    proxy.down = True
    for _ in range(2):  # the second time it rests
        answers = adapter.broadcast([signed] * 3)
        assert [answer.outcome for answer in answers] == [UNKNOWN] * 3
        assert all(answer.reason for answer in answers)


def test_a_node_that_names_another_id_is_not_believed(
    wallet_of: Any, proxy: FaultProxy, evm_chain: DevChain, signed: Signed
) -> None:
    adapter = wallet_of(evm_chain, [proxy.url]).adapter
    proxy.on_call = lambda call: (
        Answered("0x" + "ab" * 32) if call["method"] == "eth_sendRawTransaction" else None
    )
    [answer] = adapter.broadcast([signed])
    assert answer.outcome is UNKNOWN and "abab" in answer.reason


REFUSALS = {
    "rejects": Answered(error={"code": -32000, "message": "txpool is full"}),
    "is limited": Answered(error={"code": 429, "message": "too many requests"}),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_what_one_node_does_not_take_in_another_is_asked_for(
    wallet_of: Any, proxy: FaultProxy, evm_chain: DevChain, address: Address, refusal: Answered
) -> None:
    wallet = wallet_of(evm_chain, [proxy.url, evm_chain.node.rpc_url])
    spends = [Spend(str(each), wallet.source(), address("two nodes"), None, 5) for each in range(5)]
    signed = [wallet.sign(wallet.draft(each)) for each in spends]
    odd = "0x" + signed[2].raw.hex()

    def refuse_one(call: JsonCall) -> Answered | None:
        return refusal if call["params"][:1] == [odd] else None

    proxy.on_call = refuse_one
    assert said(wallet, *signed) == [Broadcast.ACCEPTED] * 5
    handed = [call["params"][0] for call in proxy.calls if call["method"] == "eth_sendRawTransaction"]
    assert len(handed) == 5


def test_a_request_that_fails_takes_no_other_with_it(
    wallet_of: Any, proxy: FaultProxy, evm_chain: DevChain, address: Address
) -> None:
    wallet = wallet_of(evm_chain, [proxy.url], batch_size=2)
    spends = [Spend(str(each), wallet.source(), address("cut"), None, 5) for each in range(6)]
    signed = [wallet.sign(wallet.draft(each)) for each in spends]
    third = signed[2].raw.hex().encode()
    proxy.on_request = lambda body: Raw(503, b"maintenance") if third in body else None
    assert said(wallet, *signed) == [Broadcast.ACCEPTED] * 2 + [UNKNOWN] * 2 + [Broadcast.ACCEPTED] * 2
