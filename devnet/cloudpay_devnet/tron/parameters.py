"""The chain's parameters with main net's values, which a development chain may change."""

import msgspec

TRX = 1_000_000
SLOT_MS = 3_000
DAY_MS = 86_400_000
WINDOW_SLOTS = DAY_MS // SLOT_MS
LONGEST_LIFE_MS = DAY_MS
LARGEST_TRANSACTION = 500 * 1024
RESULT_SIZE = 64
"""Every transaction pays bandwidth for this many bytes of its result beside its own."""


class Parameters(msgspec.Struct, frozen=True):
    """Fees are in sun; a weight is the TRX that all the world has staked, this chain's accounts left out."""

    energy_fee: int = 100
    transaction_fee: int = 1_000
    create_account_fee: int = 100_000
    create_new_account_fee_in_system_contract: int = TRX
    memo_fee: int = TRX
    multi_sign_fee: int = TRX
    update_account_permission_fee: int = 100 * TRX
    asset_issue_fee: int = 1_024 * TRX
    free_net_limit: int = 600
    total_net_limit: int = 43_200_000_000
    total_energy_limit: int = 180_000_000_000
    max_fee_limit: int = 15_000 * TRX
    unfreeze_delay_days: int = 14
    max_delegate_lock_period: int = 864_000
    other_net_weight: int = 26_600_000_000
    other_energy_weight: int = 19_000_000_000
    solid_lag: int = 19


CHAIN_NAMES = {
    "energy_fee": "getEnergyFee",
    "transaction_fee": "getTransactionFee",
    "create_account_fee": "getCreateAccountFee",
    "create_new_account_fee_in_system_contract": "getCreateNewAccountFeeInSystemContract",
    "memo_fee": "getMemoFee",
    "multi_sign_fee": "getMultiSignFee",
    "update_account_permission_fee": "getUpdateAccountPermissionFee",
    "asset_issue_fee": "getAssetIssueFee",
    "free_net_limit": "getFreeNetLimit",
    "total_net_limit": "getTotalNetLimit",
    "total_energy_limit": "getTotalEnergyCurrentLimit",
    "max_fee_limit": "getMaxFeeLimit",
    "unfreeze_delay_days": "getUnfreezeDelayDays",
    "max_delegate_lock_period": "getMaxDelegateLockPeriod",
}
"""What `getchainparameters` calls them."""

FIXED = {
    "getMaintenanceTimeInterval": 21_600_000,
    "getCreateNewAccountBandwidthRate": 1,
    "getTotalEnergyLimit": 180_000_000_000,
    "getMaxCpuTimeOfOneTx": 80,
    "getAllowDynamicEnergy": 0,
    "getAllowCreationOfContracts": 1,
    "getAllowDelegateResource": 1,
    "getAllowMultiSign": 1,
    "getAllowSameTokenName": 1,
    "getAllowTvmCompatibleEvm": 1,
}
"""Parameters that clients look for and that nothing here depends on."""
