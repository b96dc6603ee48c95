"""Transactions between JSON and bytes."""

from typing import Any

from google.protobuf.message import DecodeError, Message

from cloudpay_devnet.tron import addresses
from cloudpay_devnet.tron.errors import BadInputError, InvalidContractError
from cloudpay_devnet.tron.wire import fill, to_json
from cloudpay_tron.protocol import tron_pb2 as tron

URL = "type.googleapis.com/protocol."
Type = tron.Transaction.Contract.ContractType


def message_of(type_name: str) -> type[Message] | None:
    """The message that a contract type carries, when this node knows it."""
    return getattr(tron, type_name, None) if type_name in Type.keys() else None  # noqa: SIM118 - an enum wrapper


def id_of(transaction: tron.Transaction) -> bytes:
    """What is signed, and by what the transaction is known."""
    return addresses.hash_of(transaction.raw_data.SerializeToString())


def contract_of(transaction: tron.Transaction) -> Message:
    """The contract in a transaction; raises InvalidContractError."""
    if len(transaction.raw_data.contract) != 1:
        raise InvalidContractError("this node does not support multiple contracts")
    outer = transaction.raw_data.contract[0]
    name = Type.Name(outer.type) if outer.type in Type.values() else ""
    kind = message_of(name)
    if kind is None:
        raise InvalidContractError(f"this node knows no contract of type {outer.type}")
    if outer.parameter.type_url != URL + name:
        raise InvalidContractError(
            f"contract type error,expected type [{name}],real type[{outer.parameter.type_url}]"
        )
    try:
        return kind.FromString(outer.parameter.value)
    except DecodeError as error:
        raise InvalidContractError("Protocol message had invalid wire type.") from error


def sender_of(contract: Message) -> bytes:
    """The account whose contract it is: every kind that `contract_of` answers names one."""
    owner: bytes = contract.owner_address  # type: ignore[attr-defined] # a message of any of them
    return owner


def wrapped(contract: Message, permission: int = 0) -> tron.Transaction:
    """A transaction with that contract and nothing else."""
    transaction = tron.Transaction()
    outer = transaction.raw_data.contract.add()
    outer.type = Type.Value(contract.DESCRIPTOR.name)
    outer.parameter.type_url = URL + contract.DESCRIPTOR.name
    outer.parameter.value = contract.SerializeToString()
    outer.Permission_id = permission
    return transaction


def as_json(transaction: tron.Transaction, *, visible: bool) -> dict[str, Any]:
    """A transaction as the node's routes answer it."""
    written = to_json(transaction, visible=visible)
    contracts = []
    for outer, short in zip(
        transaction.raw_data.contract, written.get("raw_data", {}).get("contract", []), strict=True
    ):
        name = Type.Name(outer.type)
        kind = message_of(name)
        value = {} if kind is None else to_json(kind.FromString(outer.parameter.value), visible=visible)
        if name == "CreateSmartContract":
            deployed = tron.CreateSmartContract.FromString(outer.parameter.value)
            new = addresses.of_contract(id_of(transaction), deployed.owner_address)
            written["contract_address"] = new.hex()
        permission = {key: short[key] for key in short if key == "Permission_id"}
        parameter = {"value": value, "type_url": outer.parameter.type_url}
        contracts.append({"parameter": parameter, "type": name} | permission)
    written["raw_data"] = written.get("raw_data", {}) | {"contract": contracts}
    written["raw_data_hex"] = transaction.raw_data.SerializeToString().hex()
    written["txID"] = id_of(transaction).hex()
    return written


def from_json(given: dict[str, Any], *, visible: bool) -> tron.Transaction:
    """A transaction from its JSON. Only `raw_data` and `signature` count, as on TRON's own node."""
    raw = given.get("raw_data")
    if not isinstance(raw, dict):
        raise BadInputError("raw_data isn't set.")
    transaction = tron.Transaction()
    fill(transaction, {**given, "raw_data": {**raw, "contract": []}, "ret": None}, visible=visible)
    for each in raw.get("contract", []):
        kind = message_of(str(each.get("type")))
        if kind is None:
            continue
        inner = kind()
        fill(inner, each.get("parameter", {}).get("value", {}), visible=visible)
        outer = transaction.raw_data.contract.add()
        fill(outer, {**each, "parameter": None}, visible=visible)
        outer.parameter.type_url = each.get("parameter", {}).get("type_url") or URL + each["type"]
        outer.parameter.value = inner.SerializeToString()
    return transaction
