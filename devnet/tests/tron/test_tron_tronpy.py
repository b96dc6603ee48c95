"""tronpy, a client that we did not write, gets along with the node."""

from collections.abc import Callable

import pytest
from tronpy import Tron
from tronpy.exceptions import AddressNotFound, TransactionNotFound, ValidationError
from tronpy.keys import PrivateKey
from tronpy.providers import HTTPProvider

from cloudpay_devnet.tron.keys import DevKey
from cloudpay_devnet.tron.node import TronNode


@pytest.fixture
def client(shared_tron: TronNode) -> Tron:
    return Tron(HTTPProvider(f"{shared_tron.url}/"))


def _signing(key: DevKey) -> PrivateKey:
    return PrivateKey(bytes.fromhex(key.private_key))


def test_tronpy_sends_trx_and_reads_its_receipt(
    client: Tron, payer: DevKey, new_key: Callable[[], DevKey]
) -> None:
    to = new_key().base58
    made = client.trx.transfer(payer.base58, to, 12_345).memo("an order").build()
    sent = made.sign(_signing(payer)).broadcast()
    receipt = sent.wait(interval=0.05)
    assert receipt["id"] == sent.txid == made.txid
    assert receipt["fee"] == 1_000_000 + 100_000 + 1_000_000
    assert client.get_account(to)["balance"] == 12_345
    read = client.get_transaction(sent.txid)
    value = read["raw_data"]["contract"][0]["parameter"]["value"]
    assert value == {"owner_address": payer.base58, "to_address": to, "amount": 12_345}
    assert bytes.fromhex(read["raw_data"]["data"]) == b"an order"
    assert read["ret"] == [{"contractRet": "SUCCESS"}]


def test_tronpy_finds_blocks_by_number_and_id(client: Tron) -> None:
    head = client.get_latest_block()
    number = head["block_header"]["raw_data"]["number"]
    assert client.get_block(number)["blockID"] == head["blockID"]
    assert client.get_block(head["blockID"])["block_header"] == head["block_header"]
    assert client.get_latest_solid_block_number() <= number


def test_tronpy_hears_of_what_is_not_there(client: Tron, new_key: Callable[[], DevKey]) -> None:
    with pytest.raises(AddressNotFound):
        client.get_account(new_key().base58)
    with pytest.raises(TransactionNotFound):
        client.get_transaction("ab" * 32)


def test_tronpy_hears_why_a_transaction_is_refused(
    client: Tron, payer: DevKey, new_key: Callable[[], DevKey]
) -> None:
    made = client.trx.transfer(payer.base58, new_key().base58, 10**15).build()
    with pytest.raises(ValidationError, match="balance is not sufficient"):
        made.sign(_signing(payer)).broadcast()


def test_tronpy_reads_prices_and_resources(client: Tron, payer: DevKey) -> None:
    parameters = {each["key"]: each.get("value", 0) for each in client.get_chain_parameters()}
    assert parameters["getEnergyFee"] == 100
    assert parameters["getTransactionFee"] == 1_000
    assert client.get_account_resource(payer.base58)["freeNetLimit"] == 600
    assert client.get_account_permission(payer.base58)["owner"]["threshold"] == 1
