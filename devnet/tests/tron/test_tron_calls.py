"""Calls without a transaction: answers, estimates, and transactions that the node makes for a call."""

import pytest
from eth_abi.abi import encode

from cloudpay_devnet.contracts import load_contract
from cloudpay_devnet.tron.desk import Desk
from cloudpay_devnet.tron.keys import DevKey
from cloudpay_devnet.tron.parameters import TRX

TRANSFER = "transfer(address,uint256)"
TOKEN_TYPES = ("string", "string", "uint8", "bool", "address")


@pytest.fixture
def issuer(desk: Desk) -> DevKey:
    return desk.account(3_000)


@pytest.fixture
def token(desk: Desk, issuer: DevKey) -> bytes:
    values = ("Tether USD", "USDT", 6, False, issuer.address)
    place = desk.deployed("DevToken", TOKEN_TYPES, values, issuer)
    desk.called(place, "mint(address,uint256)", (issuer.address, 10_000_000), issuer)
    return place


def _asked(issuer: DevKey, token: bytes, to: DevKey, units: int) -> dict[str, object]:
    parameter = encode(["address", "uint256"], [to.address[1:], units]).hex()
    return {
        "owner_address": issuer.address.hex(),
        "contract_address": token.hex(),
        "function_selector": TRANSFER,
        "parameter": parameter,
    }


def test_a_trial_tells_the_energy_of_the_real_call_and_changes_nothing(
    desk: Desk, issuer: DevKey, token: bytes
) -> None:
    asked = _asked(issuer, token, to := desk.account(0), 5)
    told = desk.node.call("wallet/triggerconstantcontract", **asked)
    assert told["result"] == {"result": True}
    assert int(told["constant_result"][0], 16) == 1
    assert told["transaction"]["ret"] == [{}]
    assert len(told["logs"]) == 1
    assert desk.read(token, "balanceOf(address)", to.address) == 0
    receipt = desk.called(token, TRANSFER, (to.address, 5), issuer)
    assert receipt["receipt"]["energy_usage_total"] == told["energy_used"]


def test_an_estimate_is_enough_and_one_unit_less_is_not(desk: Desk, issuer: DevKey, token: bytes) -> None:
    asked = _asked(issuer, token, to := desk.account(0), 5)
    told = desk.node.call("wallet/estimateenergy", **asked)
    needed = told["energy_required"]
    short = desk.called(token, TRANSFER, (to.address, 5), issuer, fee_limit=(needed - 1) * 100)
    assert short["receipt"]["result"] == "OUT_OF_ENERGY"
    enough = desk.called(token, TRANSFER, (to.address, 5), issuer, fee_limit=needed * 100)
    assert enough["receipt"]["result"] == "SUCCESS"


def test_a_trial_that_reverts_says_why(desk: Desk, issuer: DevKey, token: bytes) -> None:
    asked = _asked(issuer, token, desk.account(0), 10**12)
    told = desk.node.call("wallet/triggerconstantcontract", **asked)
    assert told["result"]["result"] is True
    assert bytes.fromhex(told["result"]["message"]) == b"REVERT opcode executed"
    assert told["transaction"]["ret"] == [{"ret": "FAILED"}]
    estimate = desk.node.call("wallet/estimateenergy", **asked)
    assert estimate["result"]["code"] == "CONTRACT_EXE_ERROR"


def test_a_call_that_the_node_makes_can_be_signed_and_sent(desk: Desk, issuer: DevKey, token: bytes) -> None:
    asked = _asked(issuer, token, to := desk.account(0), 7) | {"fee_limit": 100 * TRX}
    told = desk.node.call("wallet/triggersmartcontract", **asked)
    made = told["transaction"]
    assert (told["result"], made["raw_data"]["fee_limit"]) == ({"result": True}, 100 * TRX)
    made["signature"] = [issuer.sign(bytes.fromhex(made["txID"])).hex()]
    assert desk.node.call("wallet/broadcasttransaction", **made)["result"] is True
    assert desk.read(token, "balanceOf(address)", to.address) == 7


def test_a_function_that_only_reads_is_answered_at_once(desk: Desk, issuer: DevKey, token: bytes) -> None:
    asked = {"owner_address": issuer.address.hex(), "contract_address": token.hex()}
    told = desk.node.call("wallet/triggersmartcontract", **asked, function_selector="decimals()")
    assert int(told["constant_result"][0], 16) == 6


def test_a_deployment_that_the_node_makes_can_be_signed_and_sent(desk: Desk, issuer: DevKey) -> None:
    compiled = load_contract("Forwarder")
    made = desk.node.call(
        "wallet/deploycontract",
        owner_address=issuer.address.hex(),
        bytecode=compiled.bytecode.hex(),
        abi=list(compiled.abi),
        fee_limit=1_000 * TRX,
        consume_user_resource_percent=100,
        origin_energy_limit=1_000_000,
        name="Forwarder",
    )
    made["signature"] = [issuer.sign(bytes.fromhex(made["txID"])).hex()]
    assert desk.node.call("wallet/broadcasttransaction", **made)["result"] is True
    assert desk.receipt(made["txID"])["contract_address"] == made["contract_address"]
    assert desk.node.call("wallet/getcontract", value=made["contract_address"])["name"] == "Forwarder"


def test_a_solid_call_sees_what_is_solid(fresh_desk: Desk) -> None:
    issuer, to = fresh_desk.account(3_000), fresh_desk.account(0)
    values = ("Tether USD", "USDT", 6, False, issuer.address)
    token = fresh_desk.deployed("DevToken", TOKEN_TYPES, values, issuer)
    fresh_desk.called(token, "mint(address,uint256)", (to.address, 9), issuer)
    asked = {"owner_address": issuer.address.hex(), "contract_address": token.hex()}
    asked |= {"function_selector": "totalSupply()"}
    young = fresh_desk.node.call("walletsolidity/triggerconstantcontract", **asked)
    assert young["result"]["code"] == "CONTRACT_VALIDATE_ERROR"
    fresh_desk.node.mine(19)
    solid = fresh_desk.node.call("walletsolidity/triggerconstantcontract", **asked)
    assert int(solid["constant_result"][0], 16) == 9
