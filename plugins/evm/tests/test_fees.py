"""What is offered for each gas, from what nodes tell."""

from typing import Any

import pytest

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.spending import FeeTier, Spend
from cloudpay.kernel.settings import InvalidSettings, convert_settings
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.faultproxy import Answered, FaultProxy
from cloudpay_evm.fees import Offer, gwei, offers
from cloudpay_evm.settings import EvmSettings
from cloudpay_evm.transactions import read

Wallet = Any
LOW, MEDIUM, HIGH = FeeTier
GWEI = 10**9


def told(wallet: Wallet) -> dict[FeeTier, Offer]:
    adapter = wallet.adapter
    return dict(adapter.nodes.run(lambda node: offers(node, adapter._sending)))


@pytest.fixture
def history(proxy: FaultProxy) -> dict[str, Any]:
    """What the node answers to eth_feeHistory; a test fills it."""
    answer: dict[str, Any] = {}
    proxy.on_call = lambda call: Answered(answer) if call["method"] == "eth_feeHistory" else None
    return answer


def rewards(*rows: tuple[int, int, int]) -> list[list[str]]:
    return [[hex(each * GWEI) for each in row] for row in rows]


def test_tips_are_the_middle_of_the_blocks_and_empty_blocks_say_nothing(
    wallet_of: Any, proxy: FaultProxy, evm_chain: DevChain, history: dict[str, Any]
) -> None:
    history["baseFeePerGas"] = [hex(7 * GWEI), hex(20 * GWEI)]
    history["reward"] = rewards((1, 2, 9), (0, 0, 0), (2, 3, 5), (3, 4, 7), (0, 0, 0), (0, 0, 0))
    found = told(wallet_of(evm_chain, [proxy.url]))
    assert [found[tier].tip for tier in (LOW, MEDIUM, HIGH)] == [2 * GWEI, 3 * GWEI, 7 * GWEI]
    assert found[LOW] == Offer(max_fee=42 * GWEI, tip=2 * GWEI, least=27 * GWEI)


@pytest.mark.parametrize("reward", [None, [], rewards((0, 0, 0)), [["0x1"]]])
def test_where_blocks_say_nothing_the_floor_is_offered(
    wallet_of: Any, proxy: FaultProxy, evm_chain: DevChain, history: dict[str, Any], reward: Any
) -> None:
    history |= {"baseFeePerGas": ["0x0"], "reward": reward}
    found = told(wallet_of(evm_chain, [proxy.url], min_tip_gwei="0.05"))
    assert set(found.values()) == {Offer(GWEI // 20, GWEI // 20, GWEI // 20)}


@pytest.mark.parametrize("fees", [[], ["soon"]])
def test_a_history_without_a_base_fee_is_no_answer(
    wallet_of: Any, proxy: FaultProxy, evm_chain: DevChain, history: dict[str, Any], fees: list[str]
) -> None:
    history |= {"baseFeePerGas": fees, "reward": []}
    with pytest.raises(NodeUnavailable):
        wallet_of(evm_chain, [proxy.url]).adapter.fee_quotes()


def test_a_legacy_network_is_paid_the_nodes_own_price_and_more_by_tier(
    wallet_of: Any, proxy: FaultProxy, evm_chain: DevChain
) -> None:
    proxy.on_call = lambda call: Answered(hex(10 * GWEI)) if call["method"] == "eth_gasPrice" else None
    found = told(wallet_of(evm_chain, [proxy.url], transactions="legacy"))
    assert [found[tier].max_fee // GWEI for tier in (LOW, MEDIUM, HIGH)] == [10, 11, 13]
    dear = told(wallet_of(evm_chain, [proxy.url], transactions="legacy", min_tip_gwei="20"))
    assert dear[LOW].max_fee == 20 * GWEI


def test_quotes_keep_to_the_cap_and_have_the_margin_in_them(
    wallet_of: Any, proxy: FaultProxy, evm_chain: DevChain, history: dict[str, Any]
) -> None:
    history |= {"baseFeePerGas": [hex(100 * GWEI)], "reward": []}
    changes = {"max_fee_gwei": "150", "fee_margin_gwei": "0.5", "token_gas": 70_000, "native_gas": 21_500}
    quotes = wallet_of(evm_chain, [proxy.url], **changes).adapter.fee_quotes()
    margin, price = GWEI // 2, 150 * GWEI
    assert {quote.fee for quote in quotes if quote.contract is None} == {21_500 * price + margin}
    assert {quote.fee for quote in quotes if quote.contract} == {87_500 * price + margin}


def test_prices_are_decimal_strings_read_exactly() -> None:
    assert [gwei(each) for each in ("", "0", "30", "0.05", "0.000000001", "999999999.999999999")] == [
        0,
        0,
        30 * GWEI,
        50_000_000,
        1,
        10**18 - 1,
    ]


@pytest.mark.parametrize("wrong", ["1e3", "-1", "1.", ".5", " 1", "0.0000000001", 1.5])
def test_a_price_of_another_form_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidSettings, match="max_fee_gwei"):
        convert_settings({"chain_id": 1, "max_fee_gwei": wrong}, EvmSettings, where="test")


def test_a_tokens_quote_follows_what_its_transfers_take_up_at_once_and_down_slowly(
    wallet: Wallet, evm_chain: DevChain, address: Any
) -> None:
    contract = evm_chain.asset("USDT").token_address

    def quoted_gas() -> int:
        gas: int = wallet.adapter._drafter.quoted_gas(contract)
        return gas

    assert quoted_gas() == 81_250
    source, payee = wallet.source(tokens=10), address("quoted")
    wallet.send(Spend("new", source, payee, contract, 1))
    dear = quoted_gas()
    wallet.send(Spend("known", source, payee, contract, 1))
    assert read(wallet.draft(Spend("x", source, payee, contract, 1)).unsigned)[0].gas < quoted_gas() < dear
    wallet.draft(Spend("newer", source, address("quoted too"), contract, 1))
    assert quoted_gas() == dear
