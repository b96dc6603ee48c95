"""The network that the demo and the tests of plugins get: a USDT at a fixed address, and accounts that pay."""

import pytest
from tronpy import Tron
from tronpy.keys import PrivateKey
from tronpy.providers import HTTPProvider

from cloudpay_devnet.errors import RpcFailed, UnknownDevAsset
from cloudpay_devnet.tron import founding
from cloudpay_devnet.tron.addresses import to_base58
from cloudpay_devnet.tron.desk import Desk
from cloudpay_devnet.tron.network import TronChain
from cloudpay_devnet.tron.parameters import TRX


@pytest.fixture
def chain(tron_chain: TronChain) -> TronChain:
    return tron_chain


def test_usdt_was_deployed_by_a_real_transaction_and_is_solid(chain: TronChain, desk: Desk) -> None:
    shown = chain.node.call("walletsolidity/getcontract", value=chain.token, visible=True)
    assert (shown["name"], shown["origin_address"]) == ("TetherToken", chain.faucet.base58)
    receipt = chain.node.call("walletsolidity/gettransactioninfobyid", value=shown["trx_hash"])
    assert (receipt["blockNumber"], receipt["receipt"]["result"]) == (1, "SUCCESS")
    assert to_base58(bytes.fromhex(receipt["contract_address"])) == chain.token
    receipts = chain.node.call("wallet/gettransactioninfobyblocknum", num=1)
    assert [each["receipt"]["result"] for each in receipts] == ["SUCCESS"] * 4
    assert chain.balance("USDT", chain.faucet.base58) == founding.SUPPLY


def test_its_address_is_the_same_on_every_run() -> None:
    assert to_base58(founding.usdt()) == "TK69qX7T2V6mjDZQGSPSsjCx57b23ShK5B"


def test_the_payer_pays_coins_and_tokens(chain: TronChain, desk: Desk) -> None:
    to = desk.account(0).base58
    assert chain.wait_for(chain.pay("USDT", to, 2_500_000))["receipt"]["result"] == "SUCCESS"
    assert chain.wait_for(chain.pay("TRX", to, 3 * TRX))["fee"] == 1_100_000
    chain.wait_for(chain.pay_through_contract(to, TRX))
    assert (chain.balance("USDT", to), chain.balance("TRX", to)) == (2_500_000, 4 * TRX)
    chain.fund(to, "USDT", 1)
    assert chain.balance("USDT", to) == 2_500_001
    with pytest.raises(UnknownDevAsset):
        chain.pay("GOLD", to, 1)
    with pytest.raises(RpcFailed, match="CONTRACT_VALIDATE_ERROR"):
        chain.pay("TRX", to, 10**15)


def test_the_network_is_told_as_data(chain: TronChain) -> None:
    network = chain.network
    assert (network.name, network.family, network.native_symbol, network.confirmations) == (
        "tron",
        "tron",
        "TRX",
        19,
    )
    assert network.assets["USDT"].token_address == chain.token
    assert network.payer.address == chain.payer.base58


def test_tronpy_calls_the_token(chain: TronChain, desk: Desk) -> None:
    client = Tron(HTTPProvider(f"{chain.node.url}/"))
    token = client.get_contract(chain.token)
    assert (token.functions.symbol(), token.functions.decimals()) == ("USDT", 6)
    to = desk.account(0).base58
    made = token.functions.transfer.with_owner(chain.payer.base58).call(to, 77).fee_limit(100 * TRX)
    signed = made.build().sign(PrivateKey(bytes.fromhex(chain.payer.private_key)))
    assert signed.broadcast().result(interval=0.05) is True
    assert token.functions.balanceOf(to) == 77
    energy = client.get_estimated_energy(
        chain.payer.base58, chain.token, "transfer(address,uint256)", f"{1:064x}{1:064x}"
    )
    assert energy > 10_000
