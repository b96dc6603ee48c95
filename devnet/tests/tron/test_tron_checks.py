"""What a transaction must be before it is looked at: signed, of this chain, alive, new."""

import pytest

from cloudpay_devnet.tron.desk import Desk
from cloudpay_devnet.tron.keys import DevKey
from cloudpay_devnet.tron.transactions import id_of
from cloudpay_tron.protocol import tron_pb2 as tron_pb

DAY_MS = 86_400_000


@pytest.fixture
def sender(desk: Desk) -> DevKey:
    return desk.account(10)


def _transfer(desk: Desk, sender: DevKey) -> tron_pb.Transaction:
    to = desk.account(1)
    contract = tron_pb.TransferContract(owner_address=sender.address, to_address=to.address, amount=1)
    return desk.framed(contract)


def test_a_foreign_signature_is_refused(desk: Desk, sender: DevKey, payer: DevKey) -> None:
    answer = desk.sent(_transfer(desk, sender), payer)
    assert (answer["result"], answer["code"]) == (False, "SIGERROR")
    assert f"is signed by {payer.base58} but it is not contained of permission." in answer["message"]


def test_no_signature_is_refused(desk: Desk, sender: DevKey) -> None:
    answer = desk.sent(_transfer(desk, sender))
    assert (answer["code"], answer["message"]) == (
        "SIGERROR",
        "Validate signature error: miss sig or contract",
    )


def test_a_broken_signature_is_refused(desk: Desk, sender: DevKey) -> None:
    transaction = _transfer(desk, sender)
    transaction.signature.append(sender.sign(id_of(transaction))[:64])
    assert "Signature size is 64" in desk.sent(transaction)["message"]


def test_a_signature_over_other_bytes_is_refused(desk: Desk, sender: DevKey) -> None:
    transaction = _transfer(desk, sender)
    transaction.signature.append(sender.sign(bytes(32)))
    assert desk.sent(transaction)["code"] == "SIGERROR"


def test_a_signature_with_27_added_is_taken(desk: Desk, sender: DevKey) -> None:
    transaction = _transfer(desk, sender)
    signature = sender.sign(id_of(transaction))
    transaction.signature.append(signature[:64] + bytes([signature[64] + 27]))
    assert desk.sent(transaction)["result"]


@pytest.mark.parametrize(
    ("reference", "part"), [(b"\x00\x01", bytes(8)), (b"\xff\xfe", bytes(8)), (b"", b"")]
)
def test_a_block_of_another_chain_is_no_reference(
    desk: Desk, sender: DevKey, reference: bytes, part: bytes
) -> None:
    transaction = _transfer(desk, sender)
    transaction.raw_data.ref_block_bytes, transaction.raw_data.ref_block_hash = reference, part
    answer = desk.sent(transaction, sender)
    assert (answer["code"], answer["message"]) == ("TAPOS_ERROR", "Tapos check error.")


@pytest.mark.parametrize("life_ms", [0, -60_000, DAY_MS + 600_000])
def test_what_expired_or_lives_longer_than_a_day_is_refused(desk: Desk, sender: DevKey, life_ms: int) -> None:
    transaction = _transfer(desk, sender)
    transaction.raw_data.expiration = transaction.raw_data.timestamp + life_ms
    answer = desk.sent(transaction, sender)
    assert (answer["code"], answer["message"]) == ("TRANSACTION_EXPIRATION_ERROR", "Transaction expired")


def test_the_same_transaction_is_taken_once(desk: Desk, sender: DevKey) -> None:
    transaction = _transfer(desk, sender)
    assert desk.sent(transaction, sender)["result"]
    again = desk.sent(transaction)
    assert (again["code"], again["message"]) == ("DUP_TRANSACTION_ERROR", "Dup transaction.")


def test_a_transaction_that_waits_is_not_taken_again(fresh_desk: Desk) -> None:
    fresh_desk.node.set_block_time(None)
    transaction = _transfer(fresh_desk, sender := fresh_desk.account(10))
    assert fresh_desk.sent(transaction, sender)["result"]
    assert fresh_desk.sent(transaction)["code"] == "DUP_TRANSACTION_ERROR"
    assert fresh_desk.node.call("wallet/getpendingsize") == {"pendingSize": 1}
    waiting = fresh_desk.node.call("wallet/gettransactionlistfrompending")["txId"]
    assert waiting == [id_of(transaction).hex()]
    assert fresh_desk.node.call("wallet/gettransactionfrompending", value=waiting[0])["txID"] == waiting[0]
    assert fresh_desk.node.call("wallet/gettransactionbyid", value=waiting[0]) == {}


def test_a_transaction_that_expires_while_it_waits_never_gets_a_block(fresh_desk: Desk) -> None:
    fresh_desk.node.set_block_time(None)
    sender = fresh_desk.account(10)
    answer = fresh_desk.sent(_transfer(fresh_desk, sender), sender)
    assert answer["result"]
    fresh_desk.node.pass_time(700, empty=True)
    fresh_desk.node.mine()
    assert fresh_desk.receipt(answer["txid"]) == {}
    assert fresh_desk.node.call("wallet/getpendingsize") == {"pendingSize": 0}


def test_broken_bytes_are_told_apart_from_a_refusal(desk: Desk) -> None:
    assert "Error" in desk.node.call("wallet/broadcasthex", transaction="zz")
    assert "Error" in desk.node.call("wallet/broadcasthex", transaction="0aff")
    assert "Error" in desk.node.call("wallet/broadcasttransaction")
