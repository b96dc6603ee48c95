"""TRX and TRC-10 tokens from one account to another."""

from cloudpay_devnet.tron.addresses import is_address
from cloudpay_devnet.tron.contracts.checks import owner_account, require
from cloudpay_devnet.tron.contracts.work import Work
from cloudpay_devnet.tron.world import World
from cloudpay_tron.protocol import tron_pb2 as tron


def transfer(work: Work, contract: tron.TransferContract) -> None:
    """Move TRX; a recipient that does not exist yet is created at the sender's cost."""
    world = work.world
    owner, to, amount = contract.owner_address, contract.to_address, contract.amount
    require(is_address(owner), "Invalid ownerAddress!")
    require(is_address(to), "Invalid toAddress!")
    require(to != owner, "Cannot transfer TRX to yourself.")
    owner_account(world, owner, "Validate TransferContract error, no OwnerAccount.")
    require(amount > 0, "Amount must be greater than 0.")
    receiver = world.account(to)
    require(receiver is None or not receiver.is_contract, "Cannot transfer TRX to a smartContract.")
    fee = _activation_fee(world, to)
    require(
        world.balance(owner) >= amount + fee, "Validate TransferContract error, balance is not sufficient."
    )
    world.activate(to, work.moment.head_timestamp)
    world.pay(owner, -amount - fee)
    world.pay(to, amount)
    work.info.fee += fee


def transfer_asset(work: Work, contract: tron.TransferAssetContract) -> None:
    """Move a TRC-10 token."""
    world = work.world
    owner, to, amount = contract.owner_address, contract.to_address, contract.amount
    require(is_address(owner), "Invalid ownerAddress")
    require(is_address(to), "Invalid toAddress")
    require(amount > 0, "Amount must be greater than 0.")
    require(to != owner, "Cannot transfer asset to yourself.")
    sender = owner_account(world, owner, "No owner account!")
    token = contract.asset_name.decode(errors="replace")
    require(token in world.assets, "No asset!")
    require(sender.assets.get(token, 0) > 0, "assetBalance must be greater than 0.")
    require(sender.assets.get(token, 0) >= amount, "assetBalance is not sufficient.")
    fee = _activation_fee(world, to)
    require(world.balance(owner) >= fee, "Validate TransferAssetActuator error, insufficient fee.")
    world.activate(to, work.moment.head_timestamp)
    world.pay(owner, -fee)
    world.change(owner, assets=sender.assets | {token: sender.assets[token] - amount})
    receiver = owner_account(world, to)
    world.change(to, assets=receiver.assets | {token: receiver.assets.get(token, 0) + amount})
    work.info.fee += fee


def _activation_fee(world: World, to: bytes) -> int:
    exists = world.account(to) is not None
    return 0 if exists else world.parameters.create_new_account_fee_in_system_contract
