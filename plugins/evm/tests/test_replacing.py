"""A replacement keeps nonce and payment, and offers what nodes ask for it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cloudpay.chains.spending import FeeTier, Spend
from cloudpay_devnet.chain import DevChain
from cloudpay_evm.transactions import read

Address = Callable[[str], str]
Wallet = Any


def test_both_prices_rise_by_a_tenth_each_time_and_to_what_the_tier_asks(
    wallet: Wallet, address: Address
) -> None:
    spend = Spend("a", wallet.source(), address("bumped"), None, 1)
    draft = wallet.draft(spend)
    for _ in range(4):
        [dearer] = wallet.prepare(spend, replaces=draft).drafts
        before, after = read(draft.unsigned)[0], read(dearer.unsigned)[0]
        assert after.max_fee * 10 >= before.max_fee * 11 and after.tip * 10 >= before.tip * 11
        assert after == replace(before, max_fee=after.max_fee, tip=after.tip)
        draft = dearer
    [fresh] = wallet.prepare(replace(spend, source=wallet.source()), tier=FeeTier.HIGH).drafts
    [dearer] = wallet.prepare(spend, tier=FeeTier.HIGH, replaces=wallet.draft(spend)).drafts
    assert read(dearer.unsigned)[0].max_fee >= read(fresh.unsigned)[0].max_fee


@pytest.mark.parametrize(("first", "then"), [("eip1559", "legacy"), ("legacy", "eip1559")])
def test_a_network_may_change_its_kind_of_transaction_in_between(
    wallet_of: Any, start_chain: Any, address: Address, first: str, then: str
) -> None:
    chain: DevChain = start_chain("evm")
    old, new = wallet_of(chain, transactions=first), wallet_of(chain, transactions=then)
    spend = Spend("a", old.source(), address("changed"), None, 1)
    new.keys = old.keys
    chain.node.set_automine(False)
    draft = old.draft(spend)
    old.adapter.broadcast([old.sign(draft)])
    new.send(spend, replaces=draft)
    chain.node.mine()
    assert chain.balance("ETH", spend.recipient) == 1


def test_nothing_is_drafted_above_the_cap_or_without_the_money(wallet: Wallet, address: Address) -> None:
    spend = Spend("a", wallet.source(), address("capped"), None, 1)
    draft = wallet.draft(spend)
    fee = wallet.adapter.explain(draft.unsigned).largest_fee
    assert wallet.prepare(spend, replaces=draft, fee_cap=fee * 109 // 100).drafts == ()
    wallet.chain.node.set_balance(spend.source, fee * 109 // 100)
    assert wallet.prepare(spend, replaces=draft).drafts == ()
    wallet.chain.node.set_balance(spend.source, fee * 120 // 100)
    assert len(wallet.prepare(spend, replaces=draft, fee_cap=fee * 120 // 100).drafts) == 1


def test_a_transaction_is_not_outbid_by_another_payment(wallet: Wallet, address: Address) -> None:
    spend = Spend("a", wallet.source(), address("payee"), None, 5)
    draft = wallet.draft(spend)
    for other in (
        replace(spend, recipient=address("thief")),
        replace(spend, amount=6),
        replace(spend, source=wallet.source()),
    ):
        with pytest.raises(ValueError, match="another payment"):
            wallet.prepare(other, replaces=draft)


def test_a_token_transfer_is_outbid_without_another_estimate(
    wallet: Wallet, evm_chain: DevChain, address: Address
) -> None:
    spend = Spend("a", wallet.source(tokens=5), address("t"), evm_chain.asset("USDT").token_address, 5)
    draft = wallet.draft(spend)
    calls = wallet.adapter.rpc_calls
    [dearer] = wallet.prepare(spend, replaces=draft).drafts
    assert wallet.adapter.rpc_calls - calls == 4
    assert wallet.adapter.explain(dearer.unsigned).payees == wallet.adapter.explain(draft.unsigned).payees
