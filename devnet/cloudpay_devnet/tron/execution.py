"""One transaction carried out: its fees, its contract, and the receipt that tells of both."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from cloudpay_devnet.tron import bandwidth, signatures
from cloudpay_devnet.tron.contracts import accounts, assets, delegating, smart, staking, transfers
from cloudpay_devnet.tron.contracts.checks import burn
from cloudpay_devnet.tron.contracts.work import Work
from cloudpay_devnet.tron.errors import InvalidContractError, OutOfBandwidthError
from cloudpay_devnet.tron.transactions import contract_of, id_of, sender_of
from cloudpay_devnet.tron.world import Moment, World
from cloudpay_tron.protocol import tron_pb2 as tron

Result = tron.Transaction.Result
_Plain = Callable[[Work, Any], None]

PLAIN: dict[type[Message], _Plain] = {
    tron.TransferContract: transfers.transfer,
    tron.TransferAssetContract: transfers.transfer_asset,
    tron.AccountCreateContract: accounts.create,
    tron.AccountUpdateContract: accounts.rename,
    tron.AccountPermissionUpdateContract: accounts.update_permissions,
    tron.AssetIssueContract: assets.issue,
    tron.FreezeBalanceV2Contract: staking.freeze,
    tron.UnfreezeBalanceV2Contract: staking.unfreeze,
    tron.WithdrawExpireUnfreezeContract: staking.withdraw,
    tron.CancelAllUnfreezeV2Contract: staking.cancel,
    tron.DelegateResourceContract: delegating.delegate,
    tron.UnDelegateResourceContract: delegating.undelegate,
}
"""What this node can carry out beside smart contracts."""


def carry_out(world: World, moment: Moment, transaction: tron.Transaction) -> tron.TransactionInfo:
    """Check and carry out a transaction, and write its result into it; when it raises, nothing has changed."""
    signatures.check(world, transaction)
    contract = contract_of(transaction)
    info = tron.TransactionInfo(
        id=id_of(transaction), blockNumber=moment.number, blockTimeStamp=moment.timestamp
    )
    with world.undone_on_error():
        info.fee += bandwidth.consume(world, moment, transaction, contract, info.receipt)
        info.fee += _extra_fees(world, transaction, contract)
        del transaction.ret[:]
        result = transaction.ret.add(contractRet=Result.SUCCESS)
        if isinstance(contract, tron.CreateSmartContract | tron.TriggerSmartContract):
            result.contractRet = smart.run(world, moment, transaction, contract, info)
        else:
            act(world, moment, contract, info)
            info.contractResult.append(b"")
    return info


def act(world: World, moment: Moment, contract: Message, info: tron.TransactionInfo) -> None:
    """Check and carry out a contract that is no smart contract."""
    plain = PLAIN.get(type(contract))
    if plain is None:
        raise InvalidContractError(f"this node does not carry out {contract.DESCRIPTOR.name}")
    plain(Work(world, moment, info), contract)


def _extra_fees(world: World, transaction: tron.Transaction, contract: Message) -> int:
    owner = sender_of(contract)
    fee = world.parameters.multi_sign_fee if len(transaction.signature) > 1 else 0
    fee += world.parameters.memo_fee if transaction.raw_data.data else 0
    try:
        return burn(world, owner, fee, "insufficient balance for the fees of memo and signatures")
    except InvalidContractError as error:
        raise OutOfBandwidthError(error.text) from error
