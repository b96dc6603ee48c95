"""Protocol messages as the JSON of TRON's HTTP interface, and back.

Bytes are hexadecimal text. Where a client asks for `visible`, addresses are Base58 and names are plain text.
Fields that hold nothing are left out, enumerations are names, maps are lists of key and value.
"""

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from cloudpay_devnet.tron import addresses
from cloudpay_devnet.tron.errors import BadInputError

_NAMES = {
    "AccountUpdateContract.account_name",
    "TransferAssetContract.asset_name",
    "AssetIssueContract.name",
    "AssetIssueContract.abbr",
    "AssetIssueContract.description",
    "AssetIssueContract.url",
    "AccountId.name",
    "authority.permission_name",
    "Transaction.Contract.ContractName",
    "TransactionInfo.resMessage",
}
_PACKAGE = "cloudpay.tron."


def to_json(message: Message, *, visible: bool) -> dict[str, Any]:
    """A message as JSON; `Any` is left out, as only the caller knows what stands in it."""
    written: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.full_name == "google.protobuf.Any":
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            written[field.name] = [{"key": key, "value": each} for key, each in sorted(value.items())]
        elif field.is_repeated:
            written[field.name] = [_value(field, each, visible=visible) for each in value]
        else:
            written[field.name] = _value(field, value, visible=visible)
    return written


def _value(field: FieldDescriptor, value: Any, *, visible: bool) -> Any:
    if field.message_type is not None:
        return to_json(value, visible=visible)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return value if known is None else known.name
    if isinstance(value, bytes):
        return bytes_to_json(field.full_name.removeprefix(_PACKAGE), value, visible=visible)
    return value


def bytes_to_json(name: str, value: bytes, *, visible: bool) -> str:
    """Bytes of the named field, such as `Account.address`."""
    if visible and name.endswith("ddress") and addresses.is_address(value):
        return addresses.to_base58(value)
    if visible and name in _NAMES:
        return value.decode(errors="replace")
    return value.hex()


def fill(message: Message, given: dict[str, Any], *, visible: bool) -> None:
    """Set the fields of a message from JSON; keys that are no fields are passed over, as the node does."""
    field: Any  # the types name two classes of descriptors that are one
    for field in message.DESCRIPTOR.fields:
        if field.name not in given or given[field.name] is None:
            continue
        value = given[field.name]
        if field.message_type is not None and field.message_type.full_name == "google.protobuf.Any":
            continue
        if field.is_repeated:
            _fill_list(message, field, value, visible=visible)
        elif field.message_type is not None:
            fill(getattr(message, field.name), _table(field, value), visible=visible)
            getattr(message, field.name).SetInParent()
        else:
            _set(message, field, _scalar(field, value, visible=visible))


def _fill_list(message: Message, field: FieldDescriptor, value: Any, *, visible: bool) -> None:
    target = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return
    for each in value if isinstance(value, list) else [value]:
        if field.message_type is not None:
            fill(target.add(), _table(field, each), visible=visible)
        else:
            target.append(_scalar(field, each, visible=visible))


def _table(field: FieldDescriptor, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadInputError(f'Expected "{{" in field {field.full_name.removeprefix(_PACKAGE)}.')
    return value


def _set(message: Message, field: FieldDescriptor, value: Any) -> None:
    try:
        setattr(message, field.name, value)
    except (TypeError, ValueError) as error:
        raise BadInputError(f"{field.name}: {error}") from error


def _scalar(field: FieldDescriptor, value: Any, *, visible: bool) -> Any:
    if field.enum_type is not None:
        return _enumerated(field, value)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return bytes_from_json(field.full_name.removeprefix(_PACKAGE), value, visible=visible)
    if field.type == FieldDescriptor.TYPE_STRING:
        return str(value)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return value is True or value == "true"
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise BadInputError(f"Couldn't parse integer: {value}") from error


def _enumerated(field: FieldDescriptor, value: Any) -> int:
    if field.enum_type is not None and isinstance(value, str) and not value.isdigit():
        # Solidity's ABI writes "function" where the protocol says "Function".
        name = value.capitalize() if value.islower() else value
        known = field.enum_type.values_by_name.get(name)
        if known is None:
            raise BadInputError(f'Enum type "{field.enum_type.name}" has no value named "{value}".')
        return int(known.number)
    return int(value)


def bytes_from_json(name: str, value: Any, *, visible: bool) -> bytes:
    """The bytes of the named field, such as `Account.address`."""
    text = str(value)
    if visible and name.endswith("ddress"):
        try:
            return addresses.from_text(text)
        except ValueError as error:
            raise BadInputError("INVALID base58 String") from error
    if visible and name in _NAMES:
        return text.encode()
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError as error:
        raise BadInputError("INVALID hex String") from error
