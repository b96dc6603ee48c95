"""With a data directory, a chain goes on where it stopped, however it stopped."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cloudpay_devnet.tron.desk import Desk
from cloudpay_devnet.tron.keys import DevKey
from cloudpay_devnet.tron.node import TronNode
from cloudpay_devnet.tron.parameters import TRX
from cloudpay_tron.protocol import tron_pb2 as tron_pb


def _pay(desk: Desk, sender: DevKey, to: DevKey) -> str:
    contract = tron_pb.TransferContract(owner_address=sender.address, to_address=to.address, amount=TRX)
    return str(desk.sent(desk.framed(contract), sender)["txid"])


@pytest.mark.parametrize("end", [TronNode.stop, TronNode.kill])
def test_blocks_balances_and_stakes_survive_the_end(tmp_path: Path, end: Callable[[TronNode], None]) -> None:
    with TronNode.start(data_dir=tmp_path) as node:
        desk = Desk(node)
        sender, to = desk.account(100), desk.account(1)
        stake = tron_pb.FreezeBalanceV2Contract(
            owner_address=sender.address, frozen_balance=10 * TRX, resource=tron_pb.ENERGY
        )
        desk.done(stake, sender)
        txid = _pay(desk, sender, to)
        receipt = desk.receipt(txid)
        block = node.call("wallet/getblockbynum", num=receipt["blockNumber"])
        balance = desk.balance(sender.address)
        end(node)
    with TronNode.start(data_dir=tmp_path) as node:
        desk = Desk(node)
        assert desk.receipt(txid) == receipt
        assert node.call("wallet/getblockbynum", num=receipt["blockNumber"]) == block
        assert (desk.balance(sender.address), desk.balance(to.address)) == (balance, 2 * TRX)
        account = node.call("wallet/getaccount", address=sender.address.hex())
        assert account["frozenV2"][1]["amount"] == 10 * TRX
        assert desk.receipt(_pay(desk, sender, to))


def test_what_waits_still_waits_after_a_kill(tmp_path: Path) -> None:
    with TronNode.start(data_dir=tmp_path) as node:
        desk = Desk(node)
        sender, to = desk.account(100), desk.account(1)
        node.set_block_time(None)
        txid = _pay(desk, sender, to)
        assert desk.receipt(txid) == {}
        node.kill()
    with TronNode.start(data_dir=tmp_path) as node:
        desk = Desk(node)
        node.mine()
        assert desk.receipt(txid)
        assert desk.balance(to.address) == 2 * TRX


def test_a_fork_is_remembered(tmp_path: Path) -> None:
    with TronNode.start(data_dir=tmp_path) as node:
        desk = Desk(node)
        sender, to = desk.account(100), desk.account(1)
        txid = _pay(desk, sender, to)
        node.fork(1, lose=True)
        head = node.call("wallet/getnowblock")
        node.kill()
    with TronNode.start(data_dir=tmp_path) as node:
        desk = Desk(node)
        number = head["block_header"]["raw_data"]["number"]
        assert node.call("wallet/getblockbynum", num=number)["blockID"] == head["blockID"]
        assert desk.receipt(txid) == {}
        assert desk.balance(to.address) == TRX
