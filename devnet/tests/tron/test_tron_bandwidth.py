"""Bandwidth: free bytes first, then TRX for every byte, and after a day the bytes are free again."""

import pytest

from cloudpay_devnet.tron.desk import Desk
from cloudpay_devnet.tron.keys import DevKey
from cloudpay_devnet.tron.parameters import TRX
from cloudpay_devnet.tron.records import Usage
from cloudpay_devnet.tron.usage import increased, left_of
from cloudpay_tron.protocol import tron_pb2 as tron_pb

RESULT_SIZE = 64


def _pay(desk: Desk, sender: DevKey, to: DevKey) -> tuple[int, dict[str, int]]:
    contract = tron_pb.TransferContract(owner_address=sender.address, to_address=to.address, amount=1)
    transaction = desk.framed(contract)
    answer = desk.sent(transaction, sender)
    assert answer["result"], answer
    return transaction.ByteSize() + RESULT_SIZE, desk.receipt(answer["txid"])["receipt"]


def test_a_transaction_uses_its_bytes_and_64_of_the_free_600_then_burns_1000_sun_a_byte(desk: Desk) -> None:
    sender, to = desk.account(10), desk.account(1)
    first, first_receipt = _pay(desk, sender, to)
    second, second_receipt = _pay(desk, sender, to)
    third, third_receipt = _pay(desk, sender, to)
    assert first_receipt == {"net_usage": first}
    assert second_receipt == {"net_usage": second}
    assert first + second + third > 600
    assert third_receipt == {"net_fee": 1_000 * third}
    assert desk.balance(sender.address) == 10 * TRX - 3 - 1_000 * third
    shown = desk.node.call("wallet/getaccountresource", address=sender.address.hex())
    assert shown["freeNetUsed"] == pytest.approx(first + second, abs=1)
    assert desk.node.call("wallet/getaccountnet", address=sender.address.hex())["freeNetLimit"] == 600


def test_staked_bandwidth_is_used_before_the_free_bytes(desk: Desk) -> None:
    sender, to = desk.account(20_000), desk.account(1)
    stake = tron_pb.FreezeBalanceV2Contract(
        owner_address=sender.address, frozen_balance=10_000 * TRX, resource=tron_pb.BANDWIDTH
    )
    desk.done(stake, sender)
    size, receipt = _pay(desk, sender, to)
    assert receipt == {"net_usage": size}
    shown = desk.node.call("wallet/getaccountresource", address=sender.address.hex())
    assert shown["NetLimit"] == 10_000 * 43_200_000_000 // 26_600_010_000
    assert shown["NetUsed"] == pytest.approx(size, abs=1)


def test_who_can_pay_neither_with_bytes_nor_with_trx_is_refused(desk: Desk) -> None:
    sender, to = desk.account(0), desk.account(1)
    desk.node.fund(sender.base58, 1_000)
    _pay(desk, sender, to)
    _pay(desk, sender, to)
    contract = tron_pb.TransferContract(owner_address=sender.address, to_address=to.address, amount=1)
    answer = desk.sent(desk.framed(contract), sender)
    assert (answer["code"], answer["message"]) == ("BANDWITH_ERROR", "Account resource insufficient error.")


def test_used_bytes_come_back_within_a_day(fresh_desk: Desk) -> None:
    sender, to = fresh_desk.account(10), fresh_desk.account(1)
    used, _ = _pay(fresh_desk, sender, to)
    fresh_desk.node.pass_time(43_200)
    shown = fresh_desk.node.call("wallet/getaccountresource", address=sender.address.hex())
    assert shown["freeNetUsed"] == pytest.approx(used / 2, abs=2)
    fresh_desk.node.pass_time(43_300)
    shown = fresh_desk.node.call("wallet/getaccountresource", address=sender.address.hex())
    assert "freeNetUsed" not in shown


def test_a_usage_fades_in_a_straight_line() -> None:
    used = increased(Usage(), 1_000, 10)
    assert used.amount == 1_000
    assert left_of(used, 10 + 14_400) == 500
    assert left_of(used, 10 + 28_800) == 0
