"""Taking transactions, and telling whose signatures they have."""

import json
from typing import Any

from google.protobuf.message import DecodeError, Message

from cloudpay_devnet.tron import signatures
from cloudpay_devnet.tron.errors import BadInputError, RefusedError
from cloudpay_devnet.tron.http.request import Request
from cloudpay_devnet.tron.transactions import as_json, contract_of, from_json, id_of, sender_of
from cloudpay_devnet.tron.wire import bytes_to_json, to_json
from cloudpay_tron.protocol import tron_pb2 as tron


def broadcast(request: Request) -> dict[str, Any]:
    """`broadcasttransaction`: its JSON; the answer's message is hexadecimal unless `visible`."""
    transaction = from_json(request.given, visible=request.visible)
    digest = id_of(transaction).hex()
    try:
        request.chain.broadcast(transaction)
    except RefusedError as refused:
        message = refused.answer if request.visible else refused.answer.encode().hex()
        return {"code": refused.code, "txid": digest, "message": message}
    return {"result": True, "txid": digest}


def broadcast_hex(request: Request) -> dict[str, Any]:
    """`broadcasthex`: its bytes; the answer's message is plain text."""
    try:
        body = bytes.fromhex(str(request.required("transaction")))
        transaction = tron.Transaction.FromString(body)
    except (ValueError, DecodeError) as error:
        raise BadInputError("INVALID hex String") from error
    code, message = "SUCCESS", ""
    try:
        request.chain.broadcast(transaction)
    except RefusedError as refused:
        code, message = refused.code, refused.answer
    return {
        "result": code == "SUCCESS",
        "code": code,
        "message": message,
        "transaction": json.dumps(to_json(transaction, visible=True)),
        "txid": id_of(transaction).hex(),
    }


def sign_weight(request: Request) -> dict[str, Any]:
    """`getsignweight`: what the signatures so far are worth."""
    transaction = from_json(request.given, visible=request.visible)
    answer: dict[str, Any] = {"transaction": _extended(request, transaction)}
    try:
        contract = contract_of(transaction)
        permission = _permission(request, transaction, contract)
        answer["permission"] = to_json(permission, visible=request.visible)
        weight, approved = signatures.approved_weight(
            permission, id_of(transaction), list(transaction.signature)
        )
    except RefusedError as refused:
        code = "PERMISSION_ERROR" if "ermission" in refused.java_class else "SIGNATURE_FORMAT_ERROR"
        return answer | {"result": {"code": code, "message": refused.text}}
    answer |= {"approved_list": _addresses(request, approved)} if approved else {}
    answer |= {"current_weight": weight} if weight else {}
    enough = weight >= permission.threshold
    return answer | {"result": {} if enough else {"code": "NOT_ENOUGH_PERMISSION"}}


def approved_list(request: Request) -> dict[str, Any]:
    """`getapprovedlist`: who has signed."""
    transaction = from_json(request.given, visible=request.visible)
    answer: dict[str, Any] = {"transaction": _extended(request, transaction), "result": {}}
    try:
        signers = [signatures.signer(id_of(transaction), each) for each in transaction.signature]
    except RefusedError as refused:
        return answer | {"result": {"code": "SIGNATURE_FORMAT_ERROR", "message": refused.text}}
    return answer | {"approved_list": _addresses(request, signers)}


def _permission(request: Request, transaction: tron.Transaction, contract: Message) -> tron.Permission:
    owner = sender_of(contract)
    if request.chain.world.account(owner) is None:
        raise signatures.WrongPermissionError("Account does not exist!")
    return signatures.fitting_permission(request.chain.world, transaction, contract)


def _addresses(request: Request, found: list[bytes]) -> list[str]:
    return [bytes_to_json("address", each, visible=request.visible) for each in found]


def _extended(request: Request, transaction: tron.Transaction) -> dict[str, Any]:
    return {
        "result": {"result": True},
        "txid": id_of(transaction).hex(),
        "transaction": as_json(transaction, visible=request.visible),
    }
