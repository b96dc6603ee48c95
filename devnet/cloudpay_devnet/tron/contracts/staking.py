"""Stake 2.0: freezing TRX for bandwidth or energy, and getting it back after fourteen days."""

from cloudpay_devnet.tron.contracts.checks import owner_account, require
from cloudpay_devnet.tron.contracts.work import Work
from cloudpay_devnet.tron.parameters import DAY_MS, TRX
from cloudpay_devnet.tron.records import POWER, Account, Unfreezing
from cloudpay_devnet.tron.world import Moment, World
from cloudpay_tron.protocol import tron_pb2 as tron

_MOST_UNFREEZING = 32
_SHORT_NAMES = {tron.BANDWIDTH: "BANDWIDTH", tron.ENERGY: "Energy", tron.TRON_POWER: "TronPower"}
KNOWN = (tron.BANDWIDTH, tron.ENERGY, tron.TRON_POWER)


def freeze(work: Work, contract: tron.FreezeBalanceV2Contract) -> None:
    """Stake TRX for a resource."""
    world = work.world
    account = owner_account(world, contract.owner_address)
    amount = contract.frozen_balance
    require(amount > 0, "frozenBalance must be positive")
    require(amount >= TRX, "frozenBalance must be greater than or equal to 1 TRX")
    require(
        amount <= world.balance(account.address),
        "frozenBalance must be less than or equal to accountBalance",
    )
    require(
        contract.resource in KNOWN, "ResourceCode error, valid ResourceCode[BANDWIDTH、ENERGY、TRON_POWER]"
    )
    world.pay(account.address, -amount)
    restake(world, account, contract.resource, amount)


def unfreeze(work: Work, contract: tron.UnfreezeBalanceV2Contract) -> None:
    """Begin to take stake back; what came back before is paid out on the way."""
    world = work.world
    account = owner_account(world, contract.owner_address)
    resource, amount = contract.resource, contract.unfreeze_balance
    require(resource in KNOWN, "ResourceCode error.valid ResourceCode[BANDWIDTH、Energy、TRON_POWER]")
    require(account.staked[resource] > 0, f"no frozenBalance({_SHORT_NAMES[resource]})")
    require(0 < amount <= account.staked[resource], f"Invalid unfreeze_balance, [{amount}] is error")
    waiting = [each for each in account.unfreezing if each.expires > work.moment.head_timestamp]
    require(len(waiting) < _MOST_UNFREEZING, "Invalid unfreeze operation, unfreezing times is over limit")
    work.info.withdraw_expire_amount = _pay_out(world, account, work.moment)
    account = restake(world, world.accounts[account.address], resource, -amount)
    expires = work.moment.head_timestamp + world.parameters.unfreeze_delay_days * DAY_MS
    world.change(account.address, unfreezing=(*account.unfreezing, Unfreezing(resource, amount, expires)))


def withdraw(work: Work, contract: tron.WithdrawExpireUnfreezeContract) -> None:
    """Pay out stake whose fourteen days are over."""
    world = work.world
    account = owner_account(world, contract.owner_address)
    require(
        any(each.expires <= work.moment.head_timestamp for each in account.unfreezing),
        "no unFreeze balance to withdraw ",
    )
    work.info.withdraw_expire_amount = _pay_out(world, account, work.moment)


def cancel(work: Work, contract: tron.CancelAllUnfreezeV2Contract) -> None:
    """Stake again what is on its way back; what has come back is paid out."""
    world = work.world
    account = owner_account(world, contract.owner_address)
    require(account.unfreezing, "No unfreezeV2 list to cancel")
    work.info.withdraw_expire_amount = _pay_out(world, account, work.moment)
    for each in world.accounts[account.address].unfreezing:
        restake(world, world.accounts[account.address], each.resource, each.amount)
        work.info.cancel_unfreezeV2_amount[tron.ResourceCode.Name(each.resource)] += each.amount  # type: ignore[arg-type]
    world.change(account.address, unfreezing=())


def restake(world: World, account: Account, resource: int, by: int) -> Account:
    """Change an account's own stake for a resource."""
    staked = list(account.staked)
    staked[resource] += by
    if resource != POWER:
        world.add_weight(resource, by)
    return world.change(account.address, staked=tuple(staked))


def _pay_out(world: World, account: Account, moment: Moment) -> int:
    due = sum(each.amount for each in account.unfreezing if each.expires <= moment.head_timestamp)
    left = tuple(each for each in account.unfreezing if each.expires > moment.head_timestamp)
    world.change(account.address, unfreezing=left)
    if due:
        world.pay(account.address, due)
    return due
