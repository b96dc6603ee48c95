"""TRC-10: anybody may issue a token called USDT, and send it around."""

from cloudpay_devnet.tron.desk import Desk
from cloudpay_devnet.tron.keys import DevKey
from cloudpay_tron.protocol import tron_pb2 as tron_pb


def _issue(desk: Desk, issuer: DevKey, name: bytes) -> str:
    now = desk.node.call("wallet/getnowblock")["block_header"]["raw_data"]["timestamp"]
    asset = tron_pb.AssetIssueContract(
        owner_address=issuer.address,
        name=name,
        abbr=name,
        total_supply=1_000_000,
        trx_num=1,
        num=1,
        precision=6,
        start_time=now + 600_000,
        end_time=now + 900_000,
        url=b"http://127.0.0.1",
    )
    receipt = desk.done(asset, issuer)
    assert receipt["fee"] >= 1_024_000_000
    return str(receipt["assetIssueID"])


def test_a_token_called_usdt_moves_without_moving_anything_else(desk: Desk) -> None:
    issuer, to = desk.account(2_000), desk.account(1)
    token = _issue(desk, issuer, b"USDT")
    transfer = tron_pb.TransferAssetContract(
        owner_address=issuer.address, to_address=to.address, asset_name=token.encode(), amount=250_000
    )
    before = desk.balance(to.address)
    receipt = desk.done(transfer, issuer)
    assert "log" not in receipt
    assert desk.balance(to.address) == before
    account = desk.node.call("wallet/getaccount", address=to.base58, visible=True)
    assert account["assetV2"] == [{"key": token, "value": 250_000}]
    read = desk.node.call("wallet/gettransactionbyid", value=receipt["id"], visible=True)
    contract = read["raw_data"]["contract"][0]
    assert contract["type"] == "TransferAssetContract"
    assert contract["parameter"]["value"]["asset_name"] == token


def test_a_token_is_found_by_id_issuer_and_name(desk: Desk) -> None:
    issuer = desk.account(2_000)
    token = _issue(desk, issuer, b"USDT")
    by_id = desk.node.call("wallet/getassetissuebyid", value=token, visible=True)
    assert (by_id["name"], by_id["owner_address"], by_id["id"]) == ("USDT", issuer.base58, token)
    by_account = desk.node.call("wallet/getassetissuebyaccount", address=issuer.base58, visible=True)
    assert by_account == {"assetIssue": [by_id]}
    by_name = desk.node.call("wallet/getassetissuelistbyname", value="USDT", visible=True)
    assert by_id in by_name["assetIssue"]


def test_what_one_does_not_have_one_cannot_send(desk: Desk) -> None:
    issuer, poor = desk.account(2_000), desk.account(5)
    token = _issue(desk, issuer, b"COIN")
    transfer = tron_pb.TransferAssetContract(
        owner_address=poor.address, to_address=issuer.address, asset_name=token.encode(), amount=1
    )
    answer = desk.sent(desk.framed(transfer), poor)
    assert answer["message"].endswith("assetBalance must be greater than 0.")
