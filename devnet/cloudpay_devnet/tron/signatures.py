"""Who may sign: permissions with their keys, weights and allowed contract types."""

from google.protobuf.message import Message

from cloudpay_devnet.tron.addresses import to_base58
from cloudpay_devnet.tron.errors import InvalidSignatureError, RefusedError
from cloudpay_devnet.tron.keys import signer_of
from cloudpay_devnet.tron.records import Account
from cloudpay_devnet.tron.transactions import contract_of, id_of, sender_of
from cloudpay_devnet.tron.world import World
from cloudpay_tron.protocol import tron_pb2 as tron

FIRST_ACTIVE = 2
_SIGNATURE_SIZE = 65
_MOST_SIGNATURES = 5
# What a new account's active permission allows on main net: all but what changes permissions or governs the chain.
DEFAULT_OPERATIONS = bytes.fromhex("7fff1fc0033efb0f") + bytes(24)


class WrongPermissionError(RefusedError):
    """The permission does not fit; broadcasting says so as a signature error."""

    code = "SIGERROR"
    java_class = "org.tron.core.exception.PermissionException"
    prefix = "Validate signature error: "


def default_owner(address: bytes) -> tron.Permission:
    """The owner permission of an account that never set one."""
    permission = tron.Permission(permission_name="owner", threshold=1)
    permission.keys.add(address=address, weight=1)
    return permission


def default_active(address: bytes) -> tron.Permission:
    """The active permission of an account that never set one."""
    permission = tron.Permission(
        type=tron.Permission.Active,
        id=FIRST_ACTIVE,
        permission_name="active",
        threshold=1,
        operations=DEFAULT_OPERATIONS,
    )
    permission.keys.add(address=address, weight=1)
    return permission


def owner_of(account: Account) -> tron.Permission:
    """An account's owner permission."""
    if account.owner_permission:
        return tron.Permission.FromString(account.owner_permission)
    return default_owner(account.address)


def actives_of(account: Account) -> list[tron.Permission]:
    """An account's active permissions."""
    if account.active_permissions:
        return [tron.Permission.FromString(each) for each in account.active_permissions]
    return [default_active(account.address)]


def permission_of(world: World, owner: bytes, number: int) -> tron.Permission | None:
    """A permission by its number; an account that does not exist has the default owner's."""
    account = world.account(owner)
    if number == 0:
        return default_owner(owner) if account is None else owner_of(account)
    if account is None:
        return None
    return next((each for each in actives_of(account) if each.id == number), None)


def signer(digest: bytes, signature: bytes) -> bytes:
    """The address whose key made a signature; raises InvalidSignatureError."""
    if len(signature) < _SIGNATURE_SIZE:
        raise InvalidSignatureError(f"Signature size is {len(signature)}")
    try:
        return signer_of(digest, signature)
    except ValueError as error:
        raise InvalidSignatureError(str(error)) from error


def approved_weight(
    permission: tron.Permission, digest: bytes, signatures: list[bytes]
) -> tuple[int, list[bytes]]:
    """The weight that signatures have together, and who made them."""
    weights = {key.address: key.weight for key in permission.keys}
    approved: list[bytes] = []
    for signature in signatures:
        who = signer(digest, signature)
        if who not in weights:
            raise WrongPermissionError(
                f"{signature.hex()} is signed by {to_base58(who)} but it is not contained of permission."
            )
        if who in approved:
            raise WrongPermissionError(f"{to_base58(who)} has signed twice!")
        approved.append(who)
    return sum(weights[who] for who in approved), approved


def fitting_permission(world: World, transaction: tron.Transaction, contract: Message) -> tron.Permission:
    """The permission that a transaction names, when it allows its contract."""
    outer = transaction.raw_data.contract[0]
    owner = sender_of(contract)
    permission = permission_of(world, owner, outer.Permission_id)
    if permission is None:
        raise WrongPermissionError("permission isn't exit")
    if outer.Permission_id != 0:
        if permission.type != tron.Permission.Active:
            raise WrongPermissionError("Permission type is error")
        if not permission.operations[outer.type // 8] & (1 << outer.type % 8):
            raise WrongPermissionError("Permission denied")
    return permission


def check(world: World, transaction: tron.Transaction) -> None:
    """Refuse a transaction whose signatures do not reach the threshold of its permission."""
    signatures = list(transaction.signature)
    if not signatures or not transaction.raw_data.contract:
        raise InvalidSignatureError("miss sig or contract")
    if len(signatures) > _MOST_SIGNATURES:
        raise InvalidSignatureError("too many signatures")
    permission = fitting_permission(world, transaction, contract_of(transaction))
    if len(signatures) > len(permission.keys):
        raise WrongPermissionError(
            f"Signature count is {len(signatures)} more than key counts of permission : {len(permission.keys)}"
        )
    weight, _ = approved_weight(permission, id_of(transaction), signatures)
    if weight < permission.threshold:
        raise InvalidSignatureError("sig error")
