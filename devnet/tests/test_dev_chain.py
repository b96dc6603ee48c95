"""A development network: real decimals, real transfers, and every odd way in which money arrives."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cloudpay_devnet.chain import ContractPayment, DevChain
from cloudpay_devnet.contracts import call_data
from cloudpay_devnet.errors import DevnetError, NotInTime, RpcFailed, UnknownDevAsset
from cloudpay_devnet.networks import FAUCET, NETWORKS, NetworkSpec, TokenSpec
from cloudpay_devnet.pytest_plugin import StartChain

NewAddress = Callable[[], str]
_TRANSFER_TOPIC = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


@pytest.fixture(params=list(NETWORKS))
def chain(request: pytest.FixtureRequest) -> DevChain:
    running: DevChain = request.getfixturevalue(f"{request.param}_chain")
    return running


def _transfers(chain: DevChain, tx_hash: str) -> list[tuple[str, int]]:
    receipt = chain.node.rpc.record("eth_getTransactionReceipt", tx_hash)
    assert receipt is not None
    logs = receipt["logs"]
    assert isinstance(logs, list)
    return [
        ("0x" + log["topics"][2][-40:], int(log["data"], 16))
        for log in logs
        if log["topics"][0] == _TRANSFER_TOPIC
    ]


def test_each_network_has_its_own_chain_id_coin_and_real_usdt_decimals(chain: DevChain) -> None:
    network = chain.network
    coins = {"evm": (31337, "ETH", 6), "bsc": (31356, "BNB", 18), "polygon": (31437, "POL", 6)}
    chain_id, coin, usdt_decimals = coins[network.name]
    assert chain.node.rpc.number("eth_chainId") == network.chain_id == chain_id
    assert network.assets[coin].token_address is None
    token = network.assets["USDT"].token_address
    on_chain = chain.node.rpc.number("eth_call", {"to": token, "data": call_data("decimals()")}, "latest")
    assert on_chain == network.assets["USDT"].decimals == usdt_decimals
    assert network.pid == chain.node.pid


def test_the_payer_pays_native_coins_and_tokens_to_the_unit(chain: DevChain, new_address: NewAddress) -> None:
    receiver = new_address()
    coin = chain.spec.native_symbol
    assert chain.wait_for(chain.pay(coin, receiver, 10**18 + 1)).succeeded
    assert chain.wait_for(chain.pay("usdt", receiver, 12_345_678)).succeeded
    assert chain.balance(coin, receiver) == 10**18 + 1
    assert chain.balance("USDT", receiver) == 12_345_678


def test_the_faucet_funds_by_ordinary_transfers(chain: DevChain, new_address: NewAddress) -> None:
    receiver = new_address()
    tx_hash = chain.fund(receiver, "USDT", 7)
    assert _transfers(chain, tx_hash) == [(receiver, 7)]
    found = chain.node.rpc.record("eth_getTransactionByHash", tx_hash)
    assert found is not None and str(found["from"]).lower() == FAUCET.address.lower()


def test_web3_pays_with_the_published_key_of_the_payer(chain: DevChain, new_address: NewAddress) -> None:
    w3 = chain.web3()
    account = w3.eth.account.from_key(chain.payer.private_key)
    assert account.address == chain.payer.address
    receiver = w3.to_checksum_address(new_address())
    signed = account.sign_transaction(
        {
            "to": receiver,
            "value": w3.to_wei(3, "gwei"),
            "gas": 21_000,
            "maxFeePerGas": w3.to_wei(10, "gwei"),
            "maxPriorityFeePerGas": 1,
            "nonce": w3.eth.get_transaction_count(account.address),
            "chainId": chain.spec.chain_id,
        }
    )
    receipt = w3.eth.wait_for_transaction_receipt(w3.eth.send_raw_transaction(signed.raw_transaction))
    assert receipt["status"] == 1
    assert w3.eth.get_balance(receiver) == 3_000_000_000


def test_only_the_usdt_of_ethereum_returns_nothing(chain: DevChain, new_address: NewAddress) -> None:
    request = {
        "from": chain.payer.address,
        "to": chain.asset("USDT").token_address,
        "data": call_data("transfer(address,uint256)", new_address(), 1),
    }
    answer = chain.node.rpc.text("eth_call", request, "latest")
    assert answer == ("0x" if chain.spec.name == "evm" else f"0x{1:064x}")


@pytest.mark.parametrize("how", ["send", "sendBySelfdestruct"])
def test_a_contract_pays_native_coins_that_no_transaction_names(
    evm_chain: DevChain, new_address: NewAddress, how: ContractPayment
) -> None:
    receiver = new_address()
    tx_hash = evm_chain.pay_through_contract(receiver, 10**17, how)
    found = evm_chain.node.rpc.record("eth_getTransactionByHash", tx_hash)
    assert found is not None and found["to"] != receiver
    assert evm_chain.balance("ETH", receiver) == 10**17


def test_an_undone_transfer_succeeds_and_brings_nothing(evm_chain: DevChain, new_address: NewAddress) -> None:
    receiver = new_address()
    assert evm_chain.wait_for(evm_chain.pay_through_contract(receiver, 10**17, "sendThenUndo")).succeeded
    assert evm_chain.balance("ETH", receiver) == 0


def test_one_transaction_pays_many_and_one_of_them_twice(chain: DevChain, new_address: NewAddress) -> None:
    first, second = new_address(), new_address()
    tx_hash = chain.pay_many_through_contract([(first, 1), (second, 2), (first, 3)])
    assert chain.wait_for(tx_hash).succeeded
    assert [chain.balance(chain.spec.native_symbol, who) for who in (first, second)] == [4, 2]


def test_fifty_token_transfers_ride_in_one_transaction(chain: DevChain, new_address: NewAddress) -> None:
    payments = [(new_address(), units) for units in range(1, 51)]
    assert _transfers(chain, chain.pay_many_tokens("USDT", payments)) == payments


def test_a_payment_that_reverts_is_mined_all_the_same(evm_chain: DevChain, new_address: NewAddress) -> None:
    poor, receiver = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC", new_address()
    receipt = evm_chain.wait_for(evm_chain.transfer(poor, "USDT", receiver, 1))
    assert not receipt.succeeded
    assert evm_chain.balance("USDT", receiver) == 0


def test_a_paused_token_and_a_blocked_account_cannot_pay(
    start_chain: StartChain, new_address: NewAddress
) -> None:
    chain, receiver = start_chain(), new_address()
    chain.pause_token("USDT")
    assert not chain.wait_for(chain.pay("USDT", receiver, 1)).succeeded
    chain.pause_token("USDT", paused=False)
    chain.block_account("USDT", chain.payer.address)
    assert not chain.wait_for(chain.pay("USDT", receiver, 1)).succeeded
    assert chain.wait_for(chain.fund(chain.payer.address, "USDT", 1)).succeeded
    chain.block_account("USDT", chain.payer.address, blocked=False)
    assert chain.wait_for(chain.pay("USDT", receiver, 1)).succeeded
    assert chain.balance("USDT", receiver) == 1


def test_only_the_issuer_mints(evm_chain: DevChain) -> None:
    token = evm_chain.asset("USDT").token_address
    data = call_data("mint(address,uint256)", evm_chain.payer.address, 1)
    with pytest.raises(RpcFailed, match="reverted"):
        evm_chain.node.rpc.call("eth_call", {"from": evm_chain.payer.address, "to": token, "data": data})


def test_a_counterfeit_has_the_symbol_but_another_address(evm_chain: DevChain) -> None:
    counterfeit = evm_chain.deploy_token(TokenSpec("USDT", "Tether USD", 6), salt="counterfeit")
    assert counterfeit != evm_chain.asset("USDT").token_address
    data = call_data("balanceOf(address)", evm_chain.payer.address)
    assert evm_chain.node.rpc.number("eth_call", {"to": counterfeit, "data": data}, "latest") > 0


def test_an_unknown_asset_is_named_with_those_that_exist(
    evm_chain: DevChain, new_address: NewAddress
) -> None:
    with pytest.raises(UnknownDevAsset, match="'DOGE'; it has ETH, USDT"):
        evm_chain.pay("DOGE", new_address(), 1)
    with pytest.raises(DevnetError, match="ETH is the native coin"):
        evm_chain.pay_many_tokens("ETH", [(new_address(), 1)])


def test_with_a_block_time_a_payment_waits_for_its_block(
    start_chain: StartChain, new_address: NewAddress
) -> None:
    chain = start_chain("bsc", block_time=0.3)
    receiver = new_address()
    tx_hash = chain.pay("USDT", receiver, 5)
    assert chain.wait_for(tx_hash).succeeded
    assert chain.balance("USDT", receiver) == 5


def test_a_payment_that_is_never_mined_is_an_error_in_time(
    start_chain: StartChain, new_address: NewAddress
) -> None:
    chain = start_chain()
    chain.node.set_automine(False)
    tx_hash = chain.pay("ETH", new_address(), 5)
    with pytest.raises(NotInTime, match="the inclusion of 0x"):
        chain.wait_for(tx_hash, seconds=0.05)
    chain.node.mine()
    assert chain.wait_for(tx_hash).succeeded


def test_a_network_of_ones_own_needs_no_code(start_chain: StartChain) -> None:
    spec = NetworkSpec("arbitrum", "evm", 31461, "ETH", (TokenSpec("USDC", "USD Coin", 6),))
    chain = start_chain(spec)
    assert chain.node.rpc.number("eth_chainId") == 31461
    assert list(chain.network.assets) == ["ETH", "USDC"]
    assert chain.balance("USDC", chain.payer.address) == 10**18


def test_a_stopped_chain_comes_back_with_its_contracts_and_balances(
    tmp_path: Path, new_address: NewAddress
) -> None:
    receiver, state_path = new_address(), tmp_path / "chain.json"
    with DevChain.start("bsc", state_path=state_path) as chain:
        assets = chain.network.assets
        chain.pay("USDT", receiver, 9)
        height = chain.node.block_number()
    with DevChain.start("bsc", state_path=state_path) as chain:
        assert chain.network.assets == assets
        assert chain.node.block_number() == height  # nothing was set up a second time
        assert chain.balance("USDT", receiver) == 9
        chain.pay("USDT", receiver, 1)
        assert chain.balance("USDT", receiver) == 10
