"""Contracts: deployed and called by real transactions, with receipts that tell the truth."""

import pytest
from eth_utils.crypto import keccak

from cloudpay_devnet.tron.addresses import of_contract, to_base58
from cloudpay_devnet.tron.calls import call_bytes
from cloudpay_devnet.tron.desk import Desk
from cloudpay_devnet.tron.keys import DevKey
from cloudpay_devnet.tron.parameters import TRX
from cloudpay_tron.protocol import tron_pb2 as tron_pb

TRANSFER = "transfer(address,uint256)"
TOKEN_TYPES = ("string", "string", "uint8", "bool", "address")


@pytest.fixture
def issuer(desk: Desk) -> DevKey:
    return desk.account(3_000)


@pytest.fixture
def token(desk: Desk, issuer: DevKey) -> bytes:
    values = ("Tether USD", "USDT", 6, False, issuer.address)
    place = desk.deployed("DevToken", TOKEN_TYPES, values, issuer, name="TetherToken")
    desk.called(place, "mint(address,uint256)", (issuer.address, 10_000_000), issuer)
    return place


def _word(address: bytes) -> str:
    return address[1:].rjust(32, b"\0").hex()


def test_a_contract_is_where_its_transaction_puts_it(desk: Desk, issuer: DevKey, token: bytes) -> None:
    shown = desk.node.call("wallet/getcontract", value=to_base58(token), visible=True)
    assert (shown["name"], shown["origin_address"]) == ("TetherToken", issuer.base58)
    assert token == of_contract(bytes.fromhex(shown["trx_hash"]), issuer.address)
    assert {"name", "type"} <= set(shown["abi"]["entrys"][-1])
    info = desk.node.call("wallet/getcontractinfo", value=token.hex())
    assert info["runtimecode"]
    account = desk.node.call("wallet/getaccount", address=token.hex())
    assert account["type"] == "Contract"
    assert "owner_permission" not in account


def test_a_token_transfer_leaves_an_event_and_costs_energy(desk: Desk, issuer: DevKey, token: bytes) -> None:
    to = desk.account(0)
    receipt = desk.called(token, TRANSFER, (to.address, 2_500_000), issuer)
    assert receipt["receipt"]["result"] == "SUCCESS"
    assert int(receipt["contractResult"][0], 16) == 1
    (log,) = receipt["log"]
    assert log["address"] == token[1:].hex()
    event = keccak(text="Transfer(address,address,uint256)").hex()
    assert log["topics"] == [event, _word(issuer.address), _word(to.address)]
    assert int(log["data"], 16) == 2_500_000
    bill = receipt["receipt"]
    assert bill["energy_fee"] == bill["energy_usage_total"] * 100
    assert receipt["fee"] == bill["energy_fee"] + bill.get("net_fee", 0)
    assert desk.read(token, "balanceOf(address)", to.address) == 2_500_000
    assert desk.node.call("wallet/getaccount", address=to.address.hex()) == {}
    read = desk.node.call("wallet/gettransactionbyid", value=receipt["id"])
    assert read["ret"] == [{"contractRet": "SUCCESS"}]


def test_the_first_transfer_to_a_holder_costs_more_than_the_second(
    desk: Desk, issuer: DevKey, token: bytes
) -> None:
    to = desk.account(0)
    first = desk.called(token, TRANSFER, (to.address, 1), issuer)["receipt"]["energy_usage_total"]
    second = desk.called(token, TRANSFER, (to.address, 1), issuer)["receipt"]["energy_usage_total"]
    assert first - second == 15_000


def test_a_reverted_call_is_in_a_block_costs_what_it_used_and_moves_nothing(
    desk: Desk, issuer: DevKey, token: bytes
) -> None:
    to = desk.account(1)
    before = desk.balance(issuer.address)
    receipt = desk.called(token, TRANSFER, (to.address, 99_000_000), issuer)
    assert (receipt["result"], receipt["receipt"]["result"]) == ("FAILED", "REVERT")
    assert bytes.fromhex(receipt["resMessage"]) == b"REVERT opcode executed"
    assert "log" not in receipt
    assert 0 < receipt["receipt"]["energy_usage_total"] < 10_000
    assert desk.balance(issuer.address) == before - receipt["fee"]
    assert desk.read(token, "balanceOf(address)", to.address) == 0
    read = desk.node.call("wallet/gettransactionbyid", value=receipt["id"])
    assert read["ret"] == [{"contractRet": "REVERT"}]


def test_a_call_whose_fee_limit_is_too_low_burns_all_of_it(desk: Desk, issuer: DevKey, token: bytes) -> None:
    to = desk.account(0)
    receipt = desk.called(token, TRANSFER, (to.address, 1), issuer, fee_limit=1_000_000)
    assert (receipt["result"], receipt["receipt"]["result"]) == ("FAILED", "OUT_OF_ENERGY")
    assert receipt["receipt"]["energy_fee"] == 1_000_000
    assert receipt["receipt"]["energy_usage_total"] == 10_000
    assert desk.read(token, "balanceOf(address)", to.address) == 0


def test_who_has_too_little_trx_runs_out_of_energy(desk: Desk, issuer: DevKey, token: bytes) -> None:
    poor, to = desk.account(1), desk.account(0)
    desk.called(token, TRANSFER, (poor.address, 5), issuer)
    receipt = desk.called(token, TRANSFER, (to.address, 5), poor)
    assert receipt["receipt"]["result"] == "OUT_OF_ENERGY"
    assert receipt["receipt"]["energy_fee"] == TRX
    assert desk.balance(poor.address) == 0


def test_trx_sent_by_a_contract_is_an_internal_transaction(desk: Desk, issuer: DevKey) -> None:
    forwarder = desk.deployed("Forwarder", (), (), issuer)
    to = desk.account(1)
    receipt = desk.called(forwarder, "send(address)", (to.address,), issuer, value=3 * TRX)
    (inner,) = receipt["internal_transactions"]
    assert (inner["caller_address"], inner["transferTo_address"]) == (forwarder.hex(), to.address.hex())
    assert inner["callValueInfo"] == [{"callValue": 3 * TRX}]
    assert bytes.fromhex(inner["note"]) == b"call"
    assert "rejected" not in inner
    assert desk.balance(to.address) == 4 * TRX


def test_an_undone_internal_transaction_says_so_in_a_transaction_that_succeeds(
    desk: Desk, issuer: DevKey
) -> None:
    payers = desk.deployed("TronHalfPayer", (), (), issuer)
    kept, to = desk.account(1), desk.account(1)
    receipt = desk.called(payers, "pay(address,address)", (kept.address, to.address), issuer, value=2 * TRX)
    assert receipt["receipt"]["result"] == "SUCCESS"
    reaching = [
        each for each in receipt["internal_transactions"] if each["transferTo_address"] == to.address.hex()
    ]
    assert [each["rejected"] for each in reaching] == [True]
    assert (desk.balance(kept.address), desk.balance(to.address)) == (2 * TRX, TRX)


def test_a_contract_cannot_send_trx_to_itself(desk: Desk, issuer: DevKey) -> None:
    forwarder = desk.deployed("Forwarder", (), (), issuer)
    before = desk.balance(issuer.address)
    receipt = desk.called(forwarder, "sendThenUndo(address)", (issuer.address,), issuer, value=TRX)
    assert receipt["receipt"]["result"] == "TRANSFER_FAILED"
    assert desk.balance(issuer.address) == before - receipt["fee"]


def test_a_contract_activates_whom_it_pays_at_25_000_energy(desk: Desk, issuer: DevKey) -> None:
    forwarder = desk.deployed("Forwarder", (), (), issuer)
    new, old = desk.account(0), desk.account(1)
    to_new = desk.called(forwarder, "send(address)", (new.address,), issuer, value=TRX)
    to_old = desk.called(forwarder, "send(address)", (old.address,), issuer, value=TRX)
    dearer = to_new["receipt"]["energy_usage_total"] - to_old["receipt"]["energy_usage_total"]
    assert dearer == 25_000
    assert desk.node.call("wallet/getaccount", address=new.address.hex())["balance"] == TRX


def test_plain_trx_to_a_contract_is_refused(desk: Desk, issuer: DevKey, token: bytes) -> None:
    contract = tron_pb.TransferContract(owner_address=issuer.address, to_address=token, amount=1)
    answer = desk.sent(desk.framed(contract), issuer)
    assert answer["message"].endswith("Cannot transfer TRX to a smartContract.")


def test_an_address_without_a_contract_cannot_be_called(desk: Desk, issuer: DevKey) -> None:
    call = tron_pb.TriggerSmartContract(
        owner_address=issuer.address,
        contract_address=desk.account(1).address,
        data=call_bytes("name()", ()),
    )
    answer = desk.sent(desk.framed(call, fee_limit=TRX), issuer)
    assert answer["code"] == "CONTRACT_VALIDATE_ERROR"
    assert answer["message"].endswith("No contract or not a smart contract")
    asked = {"owner_address": issuer.base58, "contract_address": issuer.base58, "data": "06fdde03"}
    told = desk.node.call("wallet/triggerconstantcontract", **asked, visible=True)
    assert told["result"]["code"] == "CONTRACT_VALIDATE_ERROR"
    assert "Smart contract is not exist." in told["result"]["message"]
