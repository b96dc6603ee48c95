"""The node misbehaves on demand, in every way that the nodes of the world do."""

import json
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result

from cloudpay_devnet.commands.devnet import devnet
from cloudpay_devnet.errors import RpcFailed
from cloudpay_devnet.tron.addresses import to_base58
from cloudpay_devnet.tron.desk import Desk
from cloudpay_devnet.tron.faults import KINDS
from cloudpay_devnet.tron.http.misbehaving import THIEF
from cloudpay_devnet.tron.keys import DevKey
from cloudpay_devnet.tron.parameters import TRX
from cloudpay_devnet.tron.transactions import from_json, id_of
from cloudpay_tron.protocol import tron_pb2 as tron_pb

NOW = "wallet/getnowblock"


@pytest.fixture
def faulty(fresh_desk: Desk) -> Desk:
    return fresh_desk


def _post(desk: Desk, route: str, **given: object) -> requests.Response:
    return requests.post(f"{desk.node.url}/{route}", json=given, timeout=2)


def _transfer(desk: Desk) -> tuple[tron_pb.Transaction, DevKey, DevKey]:
    sender, to = desk.account(10), desk.account(1)
    contract = tron_pb.TransferContract(owner_address=sender.address, to_address=to.address, amount=TRX)
    return desk.framed(contract), sender, to


def test_an_answer_may_come_too_late(faulty: Desk) -> None:
    faulty.node.fault("timeout", path="/wallet/getnowblock", times=1, seconds=5)
    with pytest.raises(requests.Timeout):
        _post(faulty, NOW)
    assert _post(faulty, NOW).status_code == 200


def test_a_connection_may_break(faulty: Desk) -> None:
    faulty.node.fault("hang_up", times=1)
    with pytest.raises(requests.ConnectionError):
        _post(faulty, NOW)


@pytest.mark.parametrize("status", [429, 503])
def test_a_provider_may_refuse(faulty: Desk, status: int) -> None:
    faulty.node.fault("status", times=2, status=status)
    assert [_post(faulty, NOW).status_code for _ in range(3)] == [status, status, 200]


@pytest.mark.parametrize("status", [403, 500, 502])
def test_an_error_status_may_have_json_that_is_not_the_node_s(faulty: Desk, status: int) -> None:
    faulty.node.fault("json_status", times=1, status=status)
    told = _post(faulty, NOW)
    assert (told.status_code, told.json()) == (status, {"message": f"Error {status}"})
    assert _post(faulty, NOW).status_code == 200


def test_an_answer_may_be_a_page_or_half_of_itself(faulty: Desk) -> None:
    faulty.node.fault("html", times=1)
    faulty.node.fault("cut", times=1)
    page = _post(faulty, NOW)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html")
    half = _post(faulty, NOW)
    with pytest.raises(requests.JSONDecodeError):
        half.json()


def test_a_node_may_know_nothing_or_say_so_badly(faulty: Desk) -> None:
    faulty.node.fault("empty", times=1)
    faulty.node.fault("error", times=1, text="class java.lang.NullPointerException : null")
    assert _post(faulty, NOW).json() == {}
    assert _post(faulty, NOW).json() == {"Error": "class java.lang.NullPointerException : null"}
    faulty.node.fault("error", times=1, text="this API is unavailable due to config", status=404)
    told = _post(faulty, NOW)
    assert (told.status_code, told.json()) == (404, {"Error": "this API is unavailable due to config"})


def test_a_head_may_be_stale_on_the_paths_that_are_named(faulty: Desk) -> None:
    number = faulty.node.mine(10)
    faulty.node.fault("stale", path="/wallet/*", blocks=4)
    assert _post(faulty, NOW).json()["block_header"]["raw_data"]["number"] == number - 4
    assert _post(faulty, "wallet/getblockbynum", num=number).json() == {}
    faulty.node.heal()
    assert _post(faulty, NOW).json()["block_header"]["raw_data"]["number"] == number


def test_a_node_may_be_busy(faulty: Desk) -> None:
    transaction, sender, _ = _transfer(faulty)
    faulty.node.fault("busy", times=1)
    answer = faulty.sent(transaction, sender)
    assert (answer["code"], answer["message"]) == ("SERVER_BUSY", "Server busy.")
    assert faulty.sent(transaction)["result"]


def test_a_broadcast_may_be_confirmed_and_lost(faulty: Desk) -> None:
    transaction, sender, to = _transfer(faulty)
    faulty.node.fault("lost", times=1)
    answer = faulty.sent(transaction, sender)
    assert (answer["result"], answer["txid"]) == (True, id_of(transaction).hex())
    assert faulty.node.call("wallet/getpendingsize") == {"pendingSize": 0}
    assert faulty.receipt(answer["txid"]) == {}
    assert faulty.balance(to.address) == TRX


def test_a_broadcast_may_be_taken_and_its_answer_lost(faulty: Desk) -> None:
    transaction, sender, to = _transfer(faulty)
    transaction.signature.append(sender.sign(id_of(transaction)))
    faulty.node.fault("deaf", times=1)
    answer = _post(faulty, "wallet/broadcasthex", transaction=transaction.SerializeToString().hex())
    assert answer.status_code == 504
    assert faulty.receipt(id_of(transaction).hex())
    assert faulty.balance(to.address) == 2 * TRX


def test_a_waiting_transaction_may_be_forgotten(faulty: Desk) -> None:
    transaction, sender, _ = _transfer(faulty)
    faulty.node.set_block_time(None)
    txid = faulty.sent(transaction, sender)["txid"]
    assert faulty.node.control("lose", txid=txid) == {"known": True}
    faulty.node.mine()
    assert faulty.receipt(txid) == {}


@pytest.mark.parametrize("kind", ["wrong_txid", "forged"])
def test_a_node_may_make_a_transaction_that_nobody_asked_for(faulty: Desk, kind: str) -> None:
    sender, to = faulty.account(10), faulty.account(1)
    faulty.node.fault(kind, times=1)
    made = faulty.node.call(
        "wallet/createtransaction",
        owner_address=sender.base58,
        to_address=to.base58,
        amount=1,
        visible=True,
    )
    value = made["raw_data"]["contract"][0]["parameter"]["value"]
    honest_id = id_of(from_json(made, visible=True)).hex()
    if kind == "wrong_txid":
        assert value["to_address"] == to.base58
        assert made["txID"] != honest_id
    else:
        assert bytes.fromhex(made["raw_data_hex"]).count(THIEF) == 1
        assert made["txID"] == honest_id


def test_a_contract_may_have_lent_energy_by_which_no_trx_moved(faulty: Desk) -> None:
    owner, to = faulty.account(), faulty.account(1)
    values = ("Tether USD", "USDT", 6, False, owner.address)
    token = faulty.deployed("DevToken", ("string", "string", "uint8", "bool", "address"), values, owner)
    called = faulty.called(token, "mint(address,uint256)", (owner.address, 1), owner)
    transaction, sender, _ = _transfer(faulty)
    plain = faulty.sent(transaction, sender)["txid"]
    faulty.node.fault("lent", address=to.base58, sun=5)
    of_block = faulty.node.call("wallet/gettransactioninfobyblocknum", num=called["blockNumber"])
    of_one = faulty.node.call("wallet/gettransactioninfobyid", value=called["id"], visible=True)
    for info, who, what in (
        (of_block[0], token.hex(), to.address.hex()),
        (of_one, to_base58(token), to.base58),
    ):
        [lent] = info["internal_transactions"]
        assert (lent["caller_address"], lent["transferTo_address"]) == (who, what)
        assert bytes.fromhex(lent["note"]) == b"delegateResourceOfEnergy"
        assert (lent["callValueInfo"], "rejected" in lent) == ([{"callValue": 5}], False)
    untouched = faulty.node.call("wallet/gettransactioninfobyid", value=plain)
    assert "internal_transactions" not in untouched, "it called no contract"
    assert faulty.balance(to.address) == TRX
    with pytest.raises(RpcFailed, match="lent needs the option 'address'"):
        faulty.node.fault("lent")
    with pytest.raises(RpcFailed, match="ValueError"):
        faulty.node.fault("lent", address="T-nonsense")


def test_faults_are_listed_and_unknown_ones_refused(faulty: Desk) -> None:
    faulty.node.fault("busy", path="/wallet/broadcast*")
    on = faulty.node.control("faults")["faults"]
    assert on == [{"kind": "busy", "path": "/wallet/broadcast*", "times": None}]
    with pytest.raises(RpcFailed, match=f"there are {next(iter(KINDS))}"):
        faulty.node.fault("gremlins")
    faulty.node.heal()
    assert faulty.node.control("faults")["faults"] == []


def test_faults_of_the_demo_s_node_are_switched_by_hand(faulty: Desk, tmp_path: Path) -> None:
    networks = {"tron": {"family": "tron", "rpc_url": faulty.node.url}}
    (tmp_path / "demo.json").write_text(json.dumps({"networks": networks}))

    def run(*words: str) -> Result:
        return CliRunner().invoke(devnet, [*words, "--data-dir", str(tmp_path)])

    told = run("fault", "tron", "status", "-o", "status=429", "-m", f"/{NOW}", "--times", "2")
    assert told.output.split() == ["status", "status=429,", "only", f"/{NOW},", "2", "more"]
    assert _post(faulty, NOW).status_code == 429
    assert "stale" in run("fault", "tron", "stale", "-o", "blocks=2").output
    assert run("fault", "tron", "stale", "--off").output.split()[0] == "status"
    assert run("fault", "tron", "--off").output == run("fault", "tron").output == ""
    assert _post(faulty, NOW).status_code == 200
    assert "there are timeout" in str(run("fault", "tron", "nothing").exception)
    assert "has no option 'blocks'; it has none" in str(
        run("fault", "tron", "cut", "-o", "blocks=2").exception
    )
    assert "fault tron" in str(run("proxy", "tron").exception)
    assert "wrong_txid" in CliRunner().invoke(devnet, ["faults"]).output
