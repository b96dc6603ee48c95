"""Accounts: creating one, naming it, and changing who may sign for it."""

from cloudpay_devnet.tron.addresses import is_address
from cloudpay_devnet.tron.contracts.checks import burn, owner_account, require
from cloudpay_devnet.tron.contracts.work import Work
from cloudpay_devnet.tron.signatures import FIRST_ACTIVE
from cloudpay_tron.protocol import tron_pb2 as tron

_MOST_KEYS = 5
_LONGEST_NAME = 200
_MOST_ACTIVES = 8
_OPERATIONS_SIZE = 32


def create(work: Work, contract: tron.AccountCreateContract) -> None:
    """Activate an address."""
    world = work.world
    owner, new = contract.owner_address, contract.account_address
    require(is_address(owner), "Invalid ownerAddress")
    owner_account(world, owner)
    require(is_address(new), "Invalid account address")
    require(world.account(new) is None, "Account has existed")
    fee = world.parameters.create_new_account_fee_in_system_contract
    work.info.fee += burn(world, owner, fee, "Validate CreateAccountActuator error, insufficient fee.")
    world.activate(new, work.moment.head_timestamp)


def rename(work: Work, contract: tron.AccountUpdateContract) -> None:
    """Give an account its name, once."""
    world = work.world
    account = owner_account(world, contract.owner_address, "Account does not exist")
    require(0 < len(contract.account_name) <= _LONGEST_NAME, "Invalid accountName")
    require(not account.name, "This account name is already existed")
    world.change(account.address, name=contract.account_name)


def update_permissions(work: Work, contract: tron.AccountPermissionUpdateContract) -> None:
    """Replace an account's owner and active permissions."""
    world = work.world
    owner = contract.owner_address
    require(is_address(owner), "invalidate ownerAddress")
    owner_account(world, owner, "ownerAddress account does not exist")
    require(contract.HasField("owner"), "owner permission is missed")
    require(contract.actives, "active permission is missed")
    require(len(contract.actives) <= _MOST_ACTIVES, "active permission is too many")
    _check(contract.owner, tron.Permission.Owner, "owner permission type is error")
    for active in contract.actives:
        _check(active, tron.Permission.Active, "active permission type is error")
    fee = world.parameters.update_account_permission_fee
    work.info.fee += burn(
        world, owner, fee, "Validate AccountPermissionUpdateActuator error, insufficient fee."
    )
    actives = []
    for number, active in enumerate(contract.actives, start=FIRST_ACTIVE):
        active.id = number
        actives.append(active.SerializeToString())
    contract.owner.id = 0
    world.change(
        owner, owner_permission=contract.owner.SerializeToString(), active_permissions=tuple(actives)
    )


def _check(permission: tron.Permission, kind: "tron.Permission.PermissionType.ValueType", wrong: str) -> None:
    require(permission.type == kind, wrong)
    require(permission.keys, "key's count should be greater than 0")
    require(
        len(permission.keys) <= _MOST_KEYS,
        f"number of keys in permission should not be greater than {_MOST_KEYS}",
    )
    require(permission.threshold > 0, "permission's threshold should be greater than 0")
    require(not permission.parent_id, "permission's parent should be owner")
    addresses = [key.address for key in permission.keys]
    require(len(set(addresses)) == len(addresses), "address should be distinct in permission Owner")
    require(all(is_address(each) for each in addresses), "key is not a validate address")
    require(all(key.weight > 0 for key in permission.keys), "key's weight should be greater than 0")
    require(
        sum(key.weight for key in permission.keys) >= permission.threshold,
        "sum of all key's weight should not be less than threshold in permission "
        + tron.Permission.PermissionType.Name(kind),
    )
    if kind == tron.Permission.Owner:
        require(not permission.operations, "Owner permission needn't operations")
    else:
        require(len(permission.operations) == _OPERATIONS_SIZE, "operations size must 32")
