"""Unsigned transactions made by the node, for clients that ask for it."""

from typing import Any

from google.protobuf.message import Message

from cloudpay_devnet.tron.errors import BadInputError
from cloudpay_devnet.tron.execution import act
from cloudpay_devnet.tron.http.request import Request
from cloudpay_devnet.tron.transactions import as_json, wrapped
from cloudpay_tron.protocol import tron_pb2 as tron

LIFE_MS = 60_000

PLAIN: dict[str, type[Message]] = {
    "createtransaction": tron.TransferContract,
    "transferasset": tron.TransferAssetContract,
    "createaccount": tron.AccountCreateContract,
    "updateaccount": tron.AccountUpdateContract,
    "accountpermissionupdate": tron.AccountPermissionUpdateContract,
    "createassetissue": tron.AssetIssueContract,
    "freezebalancev2": tron.FreezeBalanceV2Contract,
    "unfreezebalancev2": tron.UnfreezeBalanceV2Contract,
    "withdrawexpireunfreeze": tron.WithdrawExpireUnfreezeContract,
    "cancelallunfreezev2": tron.CancelAllUnfreezeV2Contract,
    "delegateresource": tron.DelegateResourceContract,
    "undelegateresource": tron.UnDelegateResourceContract,
}
"""The routes that make a transaction of what they are given, and the contract each puts into it."""


def plain(request: Request, kind: type[Message]) -> dict[str, Any]:
    """Check a contract and put it into a transaction; raises InvalidContractError."""
    contract = request.message(kind)
    with request.chain.world.undone():
        trial = kind.FromString(contract.SerializeToString())
        act(request.chain.world, request.chain.moment(), trial, tron.TransactionInfo())
    return created_json(request, framed(request, contract))


def framed(request: Request, contract: Message) -> tron.Transaction:
    """A transaction with a reference to the solid block that lives for a minute, with memo and permission."""
    transaction = wrapped(contract, request.number("Permission_id"))
    raw, solid = transaction.raw_data, request.chain.block(request.chain.solid)
    raw.ref_block_bytes = solid.number.to_bytes(8, "big")[6:]
    raw.ref_block_hash = solid.id[8:16]
    raw.expiration = request.chain.head.timestamp + LIFE_MS
    raw.timestamp = request.chain.now()
    raw.fee_limit = request.number("fee_limit")
    memo = request.given.get("extra_data")
    if memo:
        try:
            raw.data = str(memo).encode() if request.visible else bytes.fromhex(str(memo))
        except ValueError as error:
            raise BadInputError("INVALID hex String") from error
    return transaction


def created_json(request: Request, transaction: tron.Transaction) -> dict[str, Any]:
    """What a creating route answers."""
    return {"visible": request.visible} | as_json(transaction, visible=request.visible)
