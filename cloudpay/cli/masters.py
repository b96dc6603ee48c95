"""Master wallets as commands name them: made where they are not there yet, left out where nothing can be derived."""

from dataclasses import dataclass

from cloudpay.chains.gateway import Gateway
from cloudpay.merchants.service import list_merchants
from cloudpay.wallets.errors import AccountsExhausted, WalletMissing
from cloudpay.wallets.masters import master_wallet


@dataclass(frozen=True)
class MasterAddress:
    """Where a merchant's coins lie on one network."""

    merchant_id: str
    merchant: str
    network: str
    master_wallet: str


def masters_of(gateway: Gateway, merchant_id: str) -> dict[str, str]:
    """Answer a merchant's master wallet by network; without those for which there is no public key yet."""
    found: dict[str, str] = {}
    for network in gateway.chains:
        try:
            found[network.code] = master_wallet(gateway, network, merchant_id).address
        except (WalletMissing, AccountsExhausted):
            continue
    return found


def all_addresses(gateway: Gateway) -> list[MasterAddress]:
    """Answer the master wallets of all merchants on all networks."""
    return [
        MasterAddress(merchant.id, merchant.name, network, address)
        for merchant in list_merchants(gateway)
        for network, address in masters_of(gateway, merchant.id).items()
    ]
