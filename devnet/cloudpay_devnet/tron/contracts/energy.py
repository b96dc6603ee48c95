"""Energy: what a call may use, and who pays for what it used."""

from dataclasses import dataclass

from cloudpay_devnet.tron.records import ENERGY, Account
from cloudpay_devnet.tron.usage import increased, left_of
from cloudpay_devnet.tron.world import Moment, World
from cloudpay_tron.protocol import tron_pb2 as tron

_WHOLE = 100


@dataclass(frozen=True)
class Sponsor:
    """The deployer of a contract, who may pay a part of the energy from stake."""

    address: bytes
    caller_percent: int
    energy_limit: int


def energy_left(world: World, moment: Moment, account: Account | None) -> int:
    """What is left today of the energy that an account's stake gives."""
    if account is None:
        return 0
    return max(0, world.limit(account, ENERGY) - left_of(account.energy, moment.slot))


def allowance(
    world: World, moment: Moment, caller: bytes, sponsor: Sponsor | None, fee_limit: int, value: int
) -> int:
    """The energy that a call may use: by stake and balance, but never more than the fee limit buys."""
    fee = world.parameters.energy_fee
    staked = energy_left(world, moment, world.account(caller))
    bought = max(0, world.balance(caller) - value) // fee
    own = min(staked + bought, fee_limit // fee)
    if sponsor is None or sponsor.address == caller:
        return own
    given = min(energy_left(world, moment, world.account(sponsor.address)), sponsor.energy_limit)
    if sponsor.caller_percent > 0:
        given = min(given, own * (_WHOLE - sponsor.caller_percent) // sponsor.caller_percent)
    return own + given


def pay(
    world: World,
    moment: Moment,
    caller: bytes,
    sponsor: Sponsor | None,
    used: int,
    receipt: tron.ResourceReceipt,
) -> int:
    """Charge what a call used; return what was burned for it in sun."""
    receipt.energy_usage_total = used
    given = 0
    if sponsor is not None and sponsor.address != caller:
        given = min(
            used * (_WHOLE - sponsor.caller_percent) // _WHOLE,
            energy_left(world, moment, world.account(sponsor.address)),
            sponsor.energy_limit,
        )
        _use(world, moment, sponsor.address, given)
        receipt.origin_energy_usage = given
    own = used - given
    staked = min(own, energy_left(world, moment, world.account(caller)))
    _use(world, moment, caller, staked)
    fee = (own - staked) * world.parameters.energy_fee
    world.pay(caller, -fee)
    receipt.energy_usage = staked
    receipt.energy_fee = fee
    return fee


def _use(world: World, moment: Moment, address: bytes, amount: int) -> None:
    if amount:
        account = world.accounts[address]
        world.change(address, energy=increased(account.energy, amount, moment.slot))
