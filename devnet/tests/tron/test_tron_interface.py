"""The HTTP interface: GET and POST, hexadecimal and Base58, and what it says to nonsense."""

import pytest
import requests

from cloudpay_devnet.tron.desk import Desk
from cloudpay_devnet.tron.keys import DevKey
from cloudpay_devnet.tron.parameters import TRX
from cloudpay_tron.protocol import tron_pb2 as tron_pb


def _get(desk: Desk, path: str) -> requests.Response:
    return requests.get(f"{desk.node.url}/{path}", timeout=30)


def test_get_and_post_answer_the_same(desk: Desk, payer: DevKey) -> None:
    posted = desk.node.call("wallet/getaccount", address=payer.base58, visible=True)
    assert _get(desk, f"wallet/getaccount?address={payer.base58}&visible=true").json() == posted
    assert posted["address"] == payer.base58
    head = desk.node.call("wallet/getblock")
    assert _get(desk, "wallet/getblock").json() == head
    number = head["block_header"]["raw_data"]["number"]
    assert _get(desk, f"wallet/getblockbynum?num={number}").json()["blockID"] == head["blockID"]


def test_visible_decides_how_addresses_and_names_are_written(desk: Desk, payer: DevKey) -> None:
    to = desk.account(1)
    made = {"owner_address": payer.address.hex(), "to_address": to.address.hex(), "amount": 1}
    hexadecimal = desk.node.call("wallet/createtransaction", **made)
    value = hexadecimal["raw_data"]["contract"][0]["parameter"]["value"]
    assert value == {"owner_address": payer.address.hex(), "to_address": to.address.hex(), "amount": 1}
    made = {"owner_address": payer.base58, "to_address": to.base58, "amount": 1, "visible": True}
    visible = desk.node.call("wallet/createtransaction", **made)
    value = visible["raw_data"]["contract"][0]["parameter"]["value"]
    assert value == {"owner_address": payer.base58, "to_address": to.base58, "amount": 1}
    refused = visible | {"signature": []}
    assert desk.node.call("wallet/broadcasttransaction", **refused)["message"].startswith("Validate sig")
    refused = hexadecimal | {"signature": []}
    message = desk.node.call("wallet/broadcasttransaction", **refused)["message"]
    assert bytes.fromhex(message).startswith(b"Validate sig")


def test_a_made_transaction_lives_a_minute_and_refers_to_the_solid_block(desk: Desk, payer: DevKey) -> None:
    made = desk.node.call(
        "wallet/createtransaction",
        owner_address=payer.base58,
        to_address=desk.account(1).base58,
        amount=1,
        visible=True,
        Permission_id=2,
    )
    raw = made["raw_data"]
    solid = desk.node.call("walletsolidity/getblock")["blockID"]
    assert (raw["ref_block_bytes"], raw["ref_block_hash"]) == (solid[12:16], solid[16:32])
    assert 0 < raw["expiration"] - raw["timestamp"] <= 60_000
    assert raw["contract"][0]["Permission_id"] == 2


@pytest.mark.parametrize(
    ("route", "given"),
    [
        ("wallet/getaccount", {"address": "T-nonsense", "visible": True}),
        ("wallet/getaccount", {"address": "nonsense"}),
        ("wallet/getaccount", {}),
        ("wallet/gettransactionbyid", {"value": "xyz"}),
        ("wallet/getblockbynum", {"num": "many"}),
        ("wallet/createtransaction", {"owner_address": "41", "to_address": "41", "amount": 1}),
        ("wallet/freezebalancev2", {"owner_address": "41", "frozen_balance": 1, "resource": "GOLD"}),
    ],
)
def test_nonsense_is_answered_with_an_error_and_status_200(
    desk: Desk, route: str, given: dict[str, object]
) -> None:
    answer = requests.post(f"{desk.node.url}/{route}", json=given, timeout=30)
    assert answer.status_code == 200
    assert answer.json()["Error"].startswith("class ")


def test_broken_json_is_an_error_and_an_unknown_route_is_not_found(desk: Desk) -> None:
    broken = requests.post(f"{desk.node.url}/wallet/getnowblock", data="{", timeout=30)
    assert "JSONException" in broken.json()["Error"]
    assert _get(desk, "wallet/getgold").status_code == 404
    assert requests.post(f"{desk.node.url}/walletsolidity/createtransaction", timeout=30).status_code == 404


def test_addresses_are_validated_in_both_forms(desk: Desk, payer: DevKey) -> None:
    assert desk.node.call("wallet/validateaddress", address=payer.base58)["result"] is True
    assert desk.node.call("wallet/validateaddress", address=payer.address.hex())["result"] is True
    wrong = payer.base58[:-1] + ("a" if payer.base58[-1] != "a" else "b")
    assert desk.node.call("wallet/validateaddress", address=wrong)["result"] is False


def test_prices_and_parameters_are_those_of_main_net_and_can_be_voted_on(fresh_desk: Desk) -> None:
    assert fresh_desk.node.call("wallet/getenergyprices") == {"prices": "0:100"}
    assert fresh_desk.node.call("wallet/getbandwidthprices") == {"prices": "0:1000"}
    assert fresh_desk.node.call("wallet/getmemofee") == {"prices": "0:1000000"}
    fresh_desk.node.control("parameters", energy_fee=210)
    shown = fresh_desk.node.call("wallet/getchainparameters")["chainParameter"]
    values = {each["key"]: each.get("value", 0) for each in shown}
    assert values["getEnergyFee"] == 210
    assert values["getCreateNewAccountFeeInSystemContract"] == TRX


def test_the_node_tells_its_head_and_its_solid_block(desk: Desk) -> None:
    told = desk.node.call("wallet/getnodeinfo")
    head = desk.node.call("wallet/getblock")
    number = head["block_header"]["raw_data"]["number"]
    assert told["block"] == f"Num:{number},ID:{head['blockID']}"
    solid = desk.node.call("walletsolidity/getblock")["blockID"]
    assert told["solidityBlock"].endswith(f",ID:{solid}")


def test_an_account_is_created_by_a_transaction_of_its_own(desk: Desk) -> None:
    payer, new = desk.account(10), desk.account(0)
    contract = tron_pb.AccountCreateContract(owner_address=payer.address, account_address=new.address)
    assert desk.done(contract, payer)["fee"] == 1_100_000
    assert desk.node.call("wallet/getaccount", address=new.base58, visible=True)["address"] == new.base58
    again = desk.sent(desk.framed(contract, timestamp=1), payer)
    assert again["message"].endswith("Account has existed")
