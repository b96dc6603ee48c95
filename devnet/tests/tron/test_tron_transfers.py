"""TRX moves as on main net: ids, receipts, the price of a new account, and why a transfer is refused."""

from collections.abc import Callable
from hashlib import sha256

import pytest

from cloudpay_devnet.tron.desk import Desk
from cloudpay_devnet.tron.keys import MNEMONIC, PATH, DevKey, dev_keys
from cloudpay_devnet.tron.parameters import TRX
from cloudpay_tron.protocol import tron_pb2 as tron_pb


def _transfer(sender: DevKey, to: DevKey, amount: int) -> tron_pb.TransferContract:
    return tron_pb.TransferContract(owner_address=sender.address, to_address=to.address, amount=amount)


def test_the_funded_accounts_are_those_of_the_well_known_words(desk: Desk) -> None:
    from eth_account.hdaccount import key_from_seed, seed_from_mnemonic

    assert MNEMONIC.split()[-1] == "junk"
    seed = seed_from_mnemonic(MNEMONIC, "")
    derived = [key_from_seed(seed, PATH.format(index)).hex() for index in range(10)]
    assert [key.private_key for key in dev_keys()] == derived
    assert desk.balance(dev_keys()[3].address) == 1_000_000 * TRX


def test_a_transactions_id_is_the_hash_of_its_raw_bytes(
    desk: Desk, payer: DevKey, new_key: Callable[[], DevKey]
) -> None:
    receipt = desk.done(_transfer(payer, new_key(), 5), payer)
    read = desk.node.call("wallet/gettransactionbyid", value=receipt["id"])
    assert sha256(bytes.fromhex(read["raw_data_hex"])).hexdigest() == read["txID"] == receipt["id"]


def test_a_transfer_to_a_new_account_costs_its_sender_the_activation(
    desk: Desk, new_key: Callable[[], DevKey]
) -> None:
    sender, to = desk.account(10), new_key()
    receipt = desk.done(_transfer(sender, to, 3 * TRX), sender)
    assert receipt["fee"] == 1_100_000
    assert receipt["receipt"] == {"net_fee": 100_000}
    assert desk.balance(to.address) == 3 * TRX
    assert desk.balance(sender.address) == 10 * TRX - 3 * TRX - 1_100_000
    assert desk.node.call("wallet/getaccount", address=to.address.hex())["create_time"] > 0


def test_an_address_that_was_never_paid_is_not_known(desk: Desk, new_key: Callable[[], DevKey]) -> None:
    assert desk.node.call("wallet/getaccount", address=new_key().address.hex()) == {}
    assert desk.node.call("wallet/getaccountresource", address=new_key().address.hex()) == {}


def test_a_memo_costs_one_trx_and_is_kept(desk: Desk) -> None:
    sender, to = desk.account(10), desk.account(1)
    receipt = desk.done(_transfer(sender, to, 7), sender, data=b"invoice 17")
    assert receipt["fee"] == 1_000_000
    read = desk.node.call("wallet/gettransactionbyid", value=receipt["id"], visible=True)
    assert bytes.fromhex(read["raw_data"]["data"]) == b"invoice 17"


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        (0, "Amount must be greater than 0."),
        (10**12, "Validate TransferContract error, balance is not sufficient."),
    ],
)
def test_a_transfer_that_cannot_be_is_refused_in_words(desk: Desk, amount: int, sentence: str) -> None:
    sender, to = desk.account(10), desk.account(1)
    answer = desk.sent(desk.framed(_transfer(sender, to, amount)), sender)
    assert answer["code"] == "CONTRACT_VALIDATE_ERROR"
    assert answer["message"] == f"Contract validate error : {sentence}"
    made = desk.node.call(
        "wallet/createtransaction",
        owner_address=sender.address.hex(),
        to_address=to.address.hex(),
        amount=amount,
    )
    assert made == {"Error": f"class org.tron.core.exception.ContractValidateException : {sentence}"}
    assert desk.balance(sender.address) == 10 * TRX


def test_a_refused_transaction_costs_nothing_and_leaves_no_trace(desk: Desk) -> None:
    sender, to = desk.account(10), desk.account(1)
    answer = desk.sent(desk.framed(_transfer(sender, to, 10 * TRX), data=b"memo"), sender)
    assert answer["code"] == "CONTRACT_VALIDATE_ERROR"
    assert desk.balance(sender.address) == 10 * TRX
    assert desk.node.call("wallet/gettransactionbyid", value=answer["txid"]) == {}


def test_a_transaction_made_by_the_node_can_be_signed_and_sent(desk: Desk) -> None:
    sender, to = desk.account(10), desk.account(1)
    made = desk.node.call(
        "wallet/createtransaction",
        owner_address=sender.base58,
        to_address=to.base58,
        amount=25,
        visible=True,
        extra_data="thanks",
    )
    assert made["visible"] is True
    made["signature"] = [sender.sign(bytes.fromhex(made["txID"])).hex()]
    assert desk.node.call("wallet/broadcasttransaction", **made) == {"result": True, "txid": made["txID"]}
    assert desk.balance(to.address) == TRX + 25
