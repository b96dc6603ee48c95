"""Blocks: their ids, their chain, the solid one, the pace, and every route that shows them."""

import time
from hashlib import sha256

from cloudpay_devnet.tron.desk import Desk
from cloudpay_devnet.tron.keys import signer_of
from cloudpay_devnet.tron.node import TronNode
from cloudpay_devnet.tron.parameters import TRX
from cloudpay_devnet.tron.wire import fill
from cloudpay_devnet.waiting import wait_for
from cloudpay_tron.protocol import tron_pb2 as tron_pb


def _number(node: TronNode, route: str) -> int:
    return int(node.call(route)["block_header"]["raw_data"].get("number", 0))


def test_a_blocks_id_holds_its_number_and_its_witness_signed_it(desk: Desk) -> None:
    block = desk.node.call("wallet/getnowblock")
    header = tron_pb.BlockHeader()
    fill(header, block["block_header"], visible=False)
    digest = sha256(header.raw_data.SerializeToString()).digest()
    assert block["blockID"] == (header.raw_data.number.to_bytes(8, "big") + digest[8:]).hex()
    assert signer_of(digest, header.witness_signature) == header.raw_data.witness_address


def test_the_solid_block_is_19_behind_and_knows_no_younger_payment(tron: TronNode) -> None:
    desk = Desk(tron)
    sender, to = desk.account(10), desk.account(1)
    tron.mine(20)
    contract = tron_pb.TransferContract(owner_address=sender.address, to_address=to.address, amount=TRX)
    receipt = desk.done(contract, sender)
    tron.set_block_time(None)
    txid = receipt["id"]
    assert _number(tron, "wallet/getnowblock") - _number(tron, "walletsolidity/getnowblock") == 19
    assert tron.call("walletsolidity/gettransactioninfobyid", value=txid) == {}
    assert tron.call("walletsolidity/getaccount", address=to.address.hex())["balance"] == TRX
    tron.mine(18)
    assert tron.call("walletsolidity/gettransactionbyid", value=txid) == {}
    tron.mine()
    assert tron.call("walletsolidity/gettransactioninfobyid", value=txid) == receipt
    assert tron.call("walletsolidity/getaccount", address=to.address.hex())["balance"] == 2 * TRX


def test_every_route_shows_the_same_block(desk: Desk) -> None:
    desk.node.mine(2)
    head = desk.node.call("wallet/getnowblock")
    number = head["block_header"]["raw_data"]["number"]
    assert desk.node.call("wallet/getblockbynum", num=number) == head
    assert desk.node.call("wallet/getblockbyid", value=head["blockID"]) == head
    assert desk.node.call("wallet/getblock", id_or_num=str(number), detail=True) == head
    assert desk.node.call("wallet/getblock", id_or_num=head["blockID"], detail=True) == head
    assert desk.node.call("wallet/getblockbylatestnum", num=1) == {"block": [head]}
    ranged = desk.node.call("wallet/getblockbylimitnext", startNum=number - 1, endNum=number + 5)
    assert [each["block_header"]["raw_data"]["number"] for each in ranged["block"]] == [number - 1, number]
    short = desk.node.call("wallet/getblock", id_or_num=str(number))
    assert short == {"blockID": head["blockID"], "block_header": head["block_header"]}


def test_a_block_that_is_not_there_is_empty(desk: Desk) -> None:
    assert desk.node.call("wallet/getblockbynum", num=10**9) == {}
    assert desk.node.call("wallet/getblockbyid", value="ab" * 32) == {}
    assert desk.node.call("wallet/gettransactioninfobyblocknum", num=10**9) == []
    assert desk.node.call("wallet/gettransactioncountbyblocknum", num=10**9) == {"count": -1}


def test_receipts_of_a_block_are_those_of_its_transactions(fresh_desk: Desk) -> None:
    sender, to = fresh_desk.account(10), fresh_desk.account(1)
    fresh_desk.node.set_block_time(None)
    sent = []
    for amount in (1, 2, 3):
        contract = tron_pb.TransferContract(
            owner_address=sender.address, to_address=to.address, amount=amount
        )
        sent.append(fresh_desk.sent(fresh_desk.framed(contract), sender)["txid"])
    number = fresh_desk.node.mine()
    receipts = fresh_desk.node.call("wallet/gettransactioninfobyblocknum", num=number)
    assert [each["id"] for each in receipts] == sent
    assert receipts[0] == fresh_desk.receipt(sent[0])
    block = fresh_desk.node.call("wallet/getblockbynum", num=number)
    assert [each["txID"] for each in block["transactions"]] == sent
    assert block["transactions"][1] == fresh_desk.node.call("wallet/gettransactionbyid", value=sent[1])


def test_the_clock_makes_blocks_at_whole_multiples_of_the_pace() -> None:
    with TronNode.start(block_time=0.5) as node:
        first = _number(node, "wallet/getnowblock")
        started = time.monotonic()
        wait_for("three blocks", lambda: _number(node, "wallet/getnowblock") >= first + 3 or None, 30)
        assert time.monotonic() - started >= 0.9
        stamp = node.call("wallet/getnowblock")["block_header"]["raw_data"]["timestamp"]
        assert stamp % 500 == 0
        node.set_block_time(None)
        frozen = _number(node, "wallet/getnowblock")
        assert node.mine(2) == frozen + 2


def test_an_old_balance_is_told_by_block(desk: Desk) -> None:
    owner = desk.account(5)
    block = desk.node.call("wallet/getnowblock")
    place = {"hash": block["blockID"], "number": block["block_header"]["raw_data"]["number"]}
    desk.node.fund(owner.base58, TRX)
    asked = {"account_identifier": {"address": owner.base58}, "block_identifier": place, "visible": True}
    told = desk.node.call("wallet/getaccountbalance", **asked)
    assert told == {"balance": 5 * TRX, "block_identifier": place}
    place["hash"] = "ab" * 32
    assert "number and hash do not match" in desk.node.call("wallet/getaccountbalance", **asked)["Error"]
