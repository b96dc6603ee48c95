"""Blocks can be replaced: what was in them waits again, or is gone."""

import itertools

import pytest

from cloudpay_devnet.errors import RpcFailed
from cloudpay_devnet.tron.desk import Desk
from cloudpay_devnet.tron.keys import DevKey
from cloudpay_devnet.tron.parameters import TRX
from cloudpay_devnet.tron.transactions import id_of
from cloudpay_tron.protocol import tron_pb2 as tron_pb


def _transfer(desk: Desk, sender: DevKey, to: DevKey, amount: int = TRX) -> tron_pb.Transaction:
    contract = tron_pb.TransferContract(owner_address=sender.address, to_address=to.address, amount=amount)
    transaction = desk.framed(contract)
    transaction.signature.append(sender.sign(id_of(transaction)))
    return transaction


def _block(desk: Desk, number: int) -> str:
    return str(desk.node.call("wallet/getblockbynum", num=number)["blockID"])


@pytest.fixture
def sender(fresh_desk: Desk) -> DevKey:
    return fresh_desk.account(100)


@pytest.fixture
def to(fresh_desk: Desk) -> DevKey:
    return fresh_desk.account(1)


def test_a_replaced_transaction_waits_and_comes_again_in_another_block(
    fresh_desk: Desk, sender: DevKey, to: DevKey
) -> None:
    txid = fresh_desk.sent(_transfer(fresh_desk, sender, to))["txid"]
    before = fresh_desk.receipt(txid)["blockNumber"]
    old = _block(fresh_desk, before)
    assert fresh_desk.node.fork(1) == [txid]
    assert _block(fresh_desk, before) != old
    assert fresh_desk.receipt(txid) == {}
    assert fresh_desk.node.call("wallet/getblockbyid", value=old) == {}
    assert fresh_desk.node.call("wallet/gettransactionlistfrompending")["txId"] == [txid]
    fresh_desk.node.mine()
    assert fresh_desk.receipt(txid)["blockNumber"] > before
    assert fresh_desk.balance(to.address) == 2 * TRX


def test_a_lost_transaction_leaves_its_money_where_it_was_and_may_be_sent_again(
    fresh_desk: Desk, sender: DevKey, to: DevKey
) -> None:
    transaction = _transfer(fresh_desk, sender, to)
    txid = fresh_desk.sent(transaction)["txid"]
    fresh_desk.node.fork(1, lose=True)
    fresh_desk.node.mine()
    assert fresh_desk.receipt(txid) == {}
    assert fresh_desk.balance(sender.address) == 100 * TRX
    assert fresh_desk.balance(to.address) == TRX
    assert fresh_desk.sent(transaction)["result"]
    assert fresh_desk.balance(to.address) == 2 * TRX


def test_the_new_branch_is_longer_and_of_another_witness(fresh_desk: Desk) -> None:
    fresh_desk.node.mine(5)
    old = fresh_desk.node.call("wallet/getnowblock")["block_header"]["raw_data"]
    fresh_desk.node.fork(3)
    new = fresh_desk.node.call("wallet/getnowblock")["block_header"]["raw_data"]
    assert new["number"] == old["number"] + 1
    assert new["witness_address"] != old["witness_address"]
    parents = [fresh_desk.node.call("wallet/getblockbynum", num=new["number"] - back) for back in range(6)]
    for child, parent in itertools.pairwise(parents):
        assert child["block_header"]["raw_data"]["parentHash"] == parent["blockID"]


def test_a_transaction_that_refers_to_a_replaced_block_is_lost_with_it(
    fresh_desk: Desk, sender: DevKey, to: DevKey
) -> None:
    fresh_desk.node.mine(2)
    contract = tron_pb.TransferContract(owner_address=sender.address, to_address=to.address, amount=TRX)
    head = bytes.fromhex(fresh_desk.node.call("wallet/getblock")["blockID"])
    transaction = fresh_desk.framed(contract, ref_block_bytes=head[6:8], ref_block_hash=head[8:16])
    txid = fresh_desk.sent(transaction, sender)["txid"]
    fresh_desk.node.fork(2)
    fresh_desk.node.mine()
    assert fresh_desk.receipt(txid) == {}
    assert fresh_desk.sent(transaction)["code"] == "TAPOS_ERROR"


def test_what_contradicts_the_new_branch_never_comes_again(
    fresh_desk: Desk, sender: DevKey, to: DevKey
) -> None:
    first = fresh_desk.sent(_transfer(fresh_desk, sender, to, 90 * TRX))["txid"]
    fresh_desk.node.fork(1, lose=True)
    second = fresh_desk.sent(_transfer(fresh_desk, sender, to, 91 * TRX))["txid"]
    again = fresh_desk.sent(_transfer(fresh_desk, sender, to, 90 * TRX))
    assert again["code"] == "CONTRACT_VALIDATE_ERROR"
    assert fresh_desk.receipt(first) == {}
    assert fresh_desk.receipt(second)


def test_no_more_blocks_can_be_replaced_than_there_are(fresh_desk: Desk) -> None:
    with pytest.raises(RpcFailed, match="A fork takes back 1 to"):
        fresh_desk.node.fork(10_000)
    with pytest.raises(RpcFailed, match="A fork takes back 1 to"):
        fresh_desk.node.fork(0)
