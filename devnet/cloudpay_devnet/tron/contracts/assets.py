"""TRC-10: tokens of the chain itself, which anybody may call whatever they like."""

from cloudpay_devnet.tron.contracts.checks import burn, owner_account, require
from cloudpay_devnet.tron.contracts.work import Work
from cloudpay_devnet.tron.world import FIRST_ASSET
from cloudpay_tron.protocol import tron_pb2 as tron

_MOST_DECIMALS = 6
_LONGEST_NAME = 32


def issue(work: Work, contract: tron.AssetIssueContract) -> None:
    """Create a token; its whole supply is the issuer's."""
    world = work.world
    issuer = owner_account(world, contract.owner_address, "Account not exists")
    require(0 < len(contract.name) <= _LONGEST_NAME and contract.name.lower() != b"trx", "Invalid assetName")
    require(0 <= contract.precision <= _MOST_DECIMALS, "precision cannot exceed 6")
    require(contract.total_supply > 0, "TotalSupply must greater than 0!")
    require(contract.trx_num > 0, "TrxNum must greater than 0!")
    require(contract.num > 0, "Num must greater than 0!")
    require(
        contract.start_time > work.moment.head_timestamp, "Start time should be greater than HeadBlockTime"
    )
    require(contract.end_time > contract.start_time, "End time should be greater than start time")
    require(not issuer.issued_asset, "An account can only issue one asset")
    fee = world.parameters.asset_issue_fee
    work.info.fee += burn(world, issuer.address, fee, "No enough balance for fee!")
    token = str(FIRST_ASSET + len(world.assets))
    issued = tron.AssetIssueContract()
    issued.CopyFrom(contract)
    issued.id = token
    world.assets[token] = issued.SerializeToString()
    world.change(issuer.address, issued_asset=token, assets=issuer.assets | {token: contract.total_supply})
    work.info.assetIssueID = token
