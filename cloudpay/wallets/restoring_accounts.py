"""Accounts that were given to merchants after a backup was made: found by what lies at their first addresses.

Who they were nobody knows any more. Each is kept as a merchant of its own, so that its money is booked, collected and
compared like any other, and none that may have been given away is given to somebody else.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import DEPOSIT_CHAIN, GAS_CHAIN, MASTER_CHAIN, Holding
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.secrets import SealKey
from cloudpay.merchants.accounts import reserve_accounts, reserved_accounts
from cloudpay.merchants.service import MerchantView, merchant_accounts, put_back
from cloudpay.wallets.backups import Branch
from cloudpay.wallets.lying import lying_at
from cloudpay.wallets.restoring import put_addresses
from cloudpay.wallets.service import WALLET_INDEX, account_key
from cloudpay.wallets.setup import ACCOUNTS, derive_accounts, key_families

ACCOUNTS_AHEAD = 20
"""Accounts in a row that must be empty before it is believed that no merchant had a later one."""

FIRST_ADDRESSES = 100
"""Deposit addresses of an account that are looked at, beside its wallets, to tell whether it was used."""


@dataclass(frozen=True)
class LateAccounts:
    """Accounts that are no merchant's here and were used, each with whether real money lies there.

    All below `end` were looked at, or are some merchant's.
    """

    used: Mapping[int, bool]
    end: int


def reserve_ahead(session: Session) -> int:
    """Have no account be given away that a merchant may have had whom a backup does not know; answer the first free."""
    end = _end(session, ())
    reserve_accounts(session, end)
    return end


def find_accounts(
    gateway: Gateway, seal_key: SealKey, *, actor: str, tell: Callable[[str], None]
) -> LateAccounts:
    """Look at the first addresses of all accounts that are no merchant's, until the last ones in a row are empty.

    Raises `NodeUnavailable`, and what `derive_accounts` raises.
    """
    used: dict[int, bool] = {}
    with gateway.db.read() as session:
        done = {each.index for each in merchant_accounts(session)}
    while True:
        with gateway.db.read() as session:
            end = _end(session, used)
        wanted = [account for account in range(end) if account not in done]
        if not wanted:
            return LateAccounts(used, end)
        derive_accounts(gateway, seal_key, upto=max(ACCOUNTS, end + ACCOUNTS_AHEAD), actor=actor)
        for network in gateway.chains:
            tell(f"looking for later merchants on {network.code}")
            for account in _used(gateway, network, wanted):
                used[account] = used.get(account, False) or network.live
        done.update(wanted)


def keep_accounts(
    session: Session, gateway: Gateway, late: LateAccounts, *, ahead: int, actor: str
) -> Sequence[MerchantView]:
    """Make a merchant of every account that was found, with its addresses, and reserve all that were looked at."""
    reserve_accounts(session, late.end)
    now = gateway.clock.now(session)
    kept = []
    for account, livemode in sorted(late.used.items()):
        merchant = MerchantView(
            id=new_id("mer_"),
            name=f"restored account {account}",
            livemode=livemode,
            account_index=account,
            invoice_expiry_minutes=None,
            payout_currencies={},
            payout_network=None,
            created_at=now,
        )
        put_back(session, gateway, merchant)
        reach = max(ahead, FIRST_ADDRESSES)  # money at any address that was looked at is to be booked
        for family in key_families(gateway):
            put_addresses(session, gateway, Branch(family.name, account, DEPOSIT_CHAIN, reach), now)
        record(
            session,
            actor=actor,
            action="merchant.restored",
            subject=merchant.id,
            merchant_id=merchant.id,
            livemode=livemode,
            details={"account": str(account)},
        )
        kept.append(merchant)
    return kept


def _end(session: Session, used: Collection[int]) -> int:
    known = [each.index for each in merchant_accounts(session)]
    return max(max([*known, *used], default=-1) + 1 + ACCOUNTS_AHEAD, reserved_accounts(session))


def _used(gateway: Gateway, network: Network, accounts: Collection[int]) -> frozenset[int]:
    """Answer which of these accounts have anything at their first addresses, at the network's final block."""
    owners = {
        address: account for account in accounts for address in _first_addresses(gateway, network, account)
    }
    final = gateway.chains.adapter(network.code).head().final
    holdings = [Holding(address, asset.contract) for address in owners for asset in network.assets]
    lying = lying_at(gateway, network.code, holdings, final, lambda _part, _whole: None)
    return frozenset(owners[each.address] for each, units in lying.items() if units > 0)


def _first_addresses(gateway: Gateway, network: Network, account: int) -> list[str]:
    xpub = account_key(gateway, network.key_family.name, account)
    deposits = [network.addresses.derive(xpub, DEPOSIT_CHAIN, index) for index in range(FIRST_ADDRESSES)]
    wallets = [network.addresses.derive(xpub, chain, WALLET_INDEX) for chain in (MASTER_CHAIN, GAS_CHAIN)]
    return [*wallets, *deposits]
