"""What transfers of a token take: learnt from the last ones, and found out anew where that does not do."""

from collections.abc import Callable
from typing import Any

from cloudpay.chains.spending import Spend
from cloudpay.chains.types import TxState
from cloudpay_devnet.chain import DevChain

Address = Callable[[str], str]
Wallet = Any


def test_a_token_that_takes_more_gas_than_it_did_is_estimated_anew(
    wallet: Wallet, evm_chain: DevChain, address: Address
) -> None:
    contract, known = evm_chain.asset("USDT").token_address, address("has some already")
    evm_chain.fund(known, "USDT", 1)
    source = wallet.source(tokens=100)
    wallet.prepare(Spend("learn", source, known, contract, 1))  # cheaper than to one that has none
    fresh = [Spend(str(each), source, address(f"has none {each}"), contract, 1) for each in range(3)]
    signed = [wallet.sign(draft) for draft in wallet.prepare(*fresh).drafts]
    wallet.adapter.broadcast(signed)
    assert [wallet.state(each).state for each in signed] == [TxState.SUCCEEDED] * 3


def test_f61_one_that_would_be_reverted_is_refused_also_where_the_tokens_gas_is_known(
    wallet: Wallet, evm_chain: DevChain, address: Address
) -> None:
    contract = evm_chain.asset("USDT").token_address
    good, bad = wallet.source(tokens=10), wallet.source(tokens=10)
    evm_chain.block_account("USDT", bad)
    spends = [
        Spend(name, source, address("payee"), contract, 1)
        for name, source in (("first", good), ("bad", bad), ("last", good))
    ]
    prepared = wallet.prepare(*spends)
    assert [draft.spends[0].id for draft in prepared.drafts] == ["first", "last"]
    assert [each.spend_id for each in prepared.refused] == ["bad"]
