"""Bandwidth: a transaction's bytes are paid from stake, from the free daily allowance, or in TRX."""

from google.protobuf.message import Message

from cloudpay_devnet.tron.addresses import to_base58
from cloudpay_devnet.tron.errors import InvalidContractError, OutOfBandwidthError
from cloudpay_devnet.tron.parameters import RESULT_SIZE
from cloudpay_devnet.tron.records import BANDWIDTH, Account
from cloudpay_devnet.tron.transactions import sender_of
from cloudpay_devnet.tron.usage import increased, left_of
from cloudpay_devnet.tron.world import Moment, World
from cloudpay_tron.protocol import tron_pb2 as tron


def size_of(transaction: tron.Transaction) -> int:
    """The bytes that a transaction pays for: its own with its signatures, and room for its result."""
    alone = tron.Transaction()
    alone.CopyFrom(transaction)
    alone.ClearField("ret")
    return alone.ByteSize() + RESULT_SIZE


def activates(world: World, contract: Message) -> bool:
    """True when a plain transfer's recipient does not exist yet."""
    if isinstance(contract, tron.AccountCreateContract):
        return world.account(contract.account_address) is None
    if isinstance(contract, tron.TransferContract | tron.TransferAssetContract):
        return world.account(contract.to_address) is None
    return False


def consume(
    world: World,
    moment: Moment,
    transaction: tron.Transaction,
    contract: Message,
    receipt: tron.ResourceReceipt,
) -> int:
    """Take a transaction's bandwidth from its owner; return what was burned for it in sun."""
    owner = sender_of(contract)
    account = world.account(owner)
    if account is None:
        raise InvalidContractError(f"account [{to_base58(owner)}] does not exist")
    size = size_of(transaction)
    account = world.change(owner, operated=moment.head_timestamp)
    if activates(world, contract):
        if _from_stake(world, moment, account, size, receipt):
            return 0
        return _burn(world, owner, world.parameters.create_account_fee, receipt)
    if _from_stake(world, moment, account, size, receipt):
        return 0
    if left_of(account.free_net, moment.slot) + size <= world.parameters.free_net_limit:
        world.change(owner, free_net=increased(account.free_net, size, moment.slot))
        receipt.net_usage = size
        return 0
    return _burn(world, owner, size * world.parameters.transaction_fee, receipt)


def _from_stake(
    world: World, moment: Moment, account: Account, size: int, receipt: tron.ResourceReceipt
) -> bool:
    if left_of(account.net, moment.slot) + size > world.limit(account, BANDWIDTH):
        return False
    world.change(account.address, net=increased(account.net, size, moment.slot))
    receipt.net_usage = size
    return True


def _burn(world: World, owner: bytes, fee: int, receipt: tron.ResourceReceipt) -> int:
    if world.balance(owner) < fee:
        raise OutOfBandwidthError(f"account [{to_base58(owner)}] has insufficient bandwidth and balance")
    world.pay(owner, -fee)
    receipt.net_fee = fee
    return fee
