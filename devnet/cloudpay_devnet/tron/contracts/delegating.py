"""Lending the resources of one's stake to another account, and taking them back."""

from cloudpay_devnet.tron.addresses import is_address
from cloudpay_devnet.tron.contracts.checks import owner_account, require
from cloudpay_devnet.tron.contracts.staking import restake
from cloudpay_devnet.tron.contracts.work import Work
from cloudpay_devnet.tron.parameters import DAY_MS, SLOT_MS, TRX
from cloudpay_devnet.tron.records import BANDWIDTH, ENERGY, Account, Delegation, Usage, changed
from cloudpay_devnet.tron.usage import increased, left_of
from cloudpay_devnet.tron.world import Moment, World
from cloudpay_tron.protocol import tron_pb2 as tron

_DEFAULT_LOCK = 3 * DAY_MS // SLOT_MS
_NAMES = {BANDWIDTH: "Bandwidth", ENERGY: "Energy"}
_WRONG_RESOURCE = "ResourceCode error, valid ResourceCode[BANDWIDTH、ENERGY]"


def delegable(world: World, account: Account, resource: int, slot: int) -> int:
    """How much of an account's stake is free to lend: what it used today stays with it."""
    usage = account.net if resource == BANDWIDTH else account.energy
    total = (world.parameters.total_net_limit, world.parameters.total_energy_limit)[resource]
    used = left_of(usage, slot) * TRX * world.weight(resource) // total
    return account.staked[resource] - max(0, used - account.acquired[resource])


def delegate(work: Work, contract: tron.DelegateResourceContract) -> None:
    """Lend stake's resources to another account."""
    world = work.world
    giver, resource, amount = (
        owner_account(world, contract.owner_address),
        contract.resource,
        contract.balance,
    )
    require(amount >= TRX, "delegateBalance must be greater than or equal to 1 TRX")
    require(resource in _NAMES, _WRONG_RESOURCE)
    require(
        delegable(world, giver, resource, work.moment.slot) >= amount,
        f"delegateBalance must be less than or equal to available Freeze{_NAMES[resource]}V2 balance",
    )
    to = contract.receiver_address
    require(is_address(to), "Invalid receiverAddress")
    require(to != giver.address, "receiverAddress must not be the same as ownerAddress")
    receiver = owner_account(world, to)
    require(not receiver.is_contract, "Do not allow delegate resources to contract addresses")
    lent = unlocked(world, giver.address, to, work.moment.head_timestamp)
    if contract.lock:
        period = contract.lock_period or _DEFAULT_LOCK
        longest = world.parameters.max_delegate_lock_period
        require(
            0 <= period <= longest,
            f"The lock period of delegate resource cannot be less than 0 and cannot exceed {longest}!",
        )
        expires = work.moment.head_timestamp + period * SLOT_MS
        left = lent.expires[resource] - work.moment.head_timestamp
        name = tron.ResourceCode.Name(resource)
        require(
            period * SLOT_MS >= left,
            f"The lock period for {name} this time cannot be less than the remaining time[{left}ms] of the"
            f" last lock period for {name}!",
        )
        locked = changed(lent.locked, resource, amount)
        until = changed(lent.expires, resource, expires - lent.expires[resource])
        lent = Delegation(giver.address, to, lent.open, locked, until)
    else:
        lent = Delegation(giver.address, to, changed(lent.open, resource, amount), lent.locked, lent.expires)
    world.delegations[giver.address + to] = lent
    _move(world, giver, receiver, resource, amount)


def undelegate(work: Work, contract: tron.UnDelegateResourceContract) -> None:
    """Take lent resources back; of what the borrower used today, its share comes along."""
    world = work.world
    giver, resource, amount = (
        owner_account(world, contract.owner_address),
        contract.resource,
        contract.balance,
    )
    to = contract.receiver_address
    require(is_address(to), "Invalid receiverAddress")
    require(to != giver.address, "receiverAddress must not be the same as ownerAddress")
    require(giver.address + to in world.delegations, "delegated Resource does not exist")
    require(amount > 0, "unDelegateBalance must be more than 0 TRX")
    require(resource in _NAMES, _WRONG_RESOURCE)
    lent = unlocked(world, giver.address, to, work.moment.head_timestamp)
    require(
        lent.open[resource] >= amount,
        f"insufficient delegatedFrozenBalance({_NAMES[resource]}), request={amount},"
        f" unlock_balance={lent.open[resource]}",
    )
    receiver = owner_account(world, to)
    _move_usage(world, work.moment, giver, receiver, resource, amount)
    lent = Delegation(giver.address, to, changed(lent.open, resource, -amount), lent.locked, lent.expires)
    if lent.open == lent.locked == (0, 0):
        del world.delegations[giver.address + to]
    else:
        world.delegations[giver.address + to] = lent
    _move(world, world.accounts[giver.address], world.accounts[to], resource, -amount)


def unlocked(world: World, giver: bytes, receiver: bytes, now: int) -> Delegation:
    """A delegation after its locks that have run out were opened."""
    lent = world.delegations.get(giver + receiver, Delegation(giver, receiver))
    for resource in (BANDWIDTH, ENERGY):
        amount = lent.locked[resource]
        if amount and lent.expires[resource] < now:
            lent = Delegation(
                giver,
                receiver,
                changed(lent.open, resource, amount),
                changed(lent.locked, resource, -amount),
                changed(lent.expires, resource, -lent.expires[resource]),
            )
    return lent


def _move(world: World, giver: Account, receiver: Account, resource: int, amount: int) -> None:
    giver = restake(world, giver, resource, -amount)
    world.add_weight(resource, amount)  # lent stake weighs as much as kept stake
    world.change(giver.address, delegated=changed(giver.delegated, resource, amount))
    world.change(receiver.address, acquired=changed(receiver.acquired, resource, amount))


def _move_usage(
    world: World, moment: Moment, giver: Account, receiver: Account, resource: int, amount: int
) -> None:
    field = "net" if resource == BANDWIDTH else "energy"
    used = left_of(getattr(receiver, field), moment.slot)
    total = (world.parameters.total_net_limit, world.parameters.total_energy_limit)[resource]
    most = amount // TRX * total // max(world.weight(resource), 1)
    share = min(most, used * amount // max(receiver.stake(resource), 1))
    if share:
        world.change(receiver.address, **{field: Usage(used - share, moment.slot)})
        world.change(giver.address, **{field: increased(getattr(giver, field), share, moment.slot)})
