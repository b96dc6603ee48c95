"""What lies in a merchant's master wallet: by the chain, and beside it what is promised, free, or not yet collected."""

from collections.abc import Mapping
from dataclasses import dataclass

from cloudpay.chains.adapter import ChainAdapter
from cloudpay.chains.errors import BlockPassed, InvalidAddress, NodeUnavailable, Unlinked
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Asset, Network
from cloudpay.chains.types import Holding
from cloudpay.ledger.service import balances
from cloudpay.ledger.types import AccountKey, AccountKind
from cloudpay.merchants.errors import ModeMismatch
from cloudpay.merchants.principal import Principal
from cloudpay.wallets.errors import UnknownToken
from cloudpay.wallets.masters import master_wallet

_TRIES = 4


@dataclass(frozen=True)
class WalletBalance:
    """A master wallet's balance of one asset at a block, in base units as all of these.

    `available` lies there and is promised to nothing, `reserved` is promised to payouts; `unswept` lies at deposit
    addresses, until what is collected from there has arrived. Those three are booked when they are final, so that
    `balance` may be ahead of them.
    """

    address: str
    asset: Asset
    balance: int
    block_height: int
    available: int
    reserved: int
    unswept: int


def master_balance(gateway: Gateway, principal: Principal, network_code: str, token: str) -> WalletBalance:
    """Ask the chain for the balance of a merchant's master wallet; `token` is a contract, empty for the native coin.

    Raises `UnknownNetwork`, `ModeMismatch`, `UnknownToken`, `WalletMissing`, `AccountsExhausted`, `NodeUnavailable`.
    """
    network = gateway.chains.network(network_code)
    if network.live != principal.livemode:
        raise ModeMismatch(network.code, live=network.live)
    asset = _asset(network, token)
    wallet = master_wallet(gateway, network, principal.merchant_id)
    holding = Holding(wallet.address, asset.contract)
    balance, height = _ask(network, gateway.chains.adapter(network.code), holding)
    booked = _booked(gateway, principal, asset)
    return WalletBalance(
        address=wallet.address,
        asset=asset,
        balance=balance,
        block_height=height,
        available=max(0, booked.get(AccountKind.MASTER, 0)),
        reserved=max(0, booked.get(AccountKind.RESERVED, 0)),
        unswept=max(0, booked.get(AccountKind.DEPOSITS, 0) + booked.get(AccountKind.TRANSIT, 0)),
    )


def _asset(network: Network, token: str) -> Asset:
    if not token:
        return network.native
    try:
        found = network.asset_of(network.addresses.parse(token))
    except InvalidAddress:
        found = None
    if found is None:
        raise UnknownToken(token, network)
    return found


def _ask(network: Network, adapter: ChainAdapter, holding: Holding) -> tuple[int, int]:
    """Answer a balance at the newest block, and its height; one that was replaced or passed meanwhile is let go."""
    for _ in range(_TRIES):
        latest = adapter.head().latest
        try:
            return adapter.balances([holding], latest.ref)[holding], latest.height
        except (Unlinked, BlockPassed):
            continue
    raise NodeUnavailable(network.code, "while a block is asked about, the chain moves on, again and again")


def _booked(gateway: Gateway, principal: Principal, asset: Asset) -> Mapping[AccountKind, int]:
    """Answer what is booked of an asset by kind of account; below zero where a wallet was emptied past us."""
    with gateway.db.read() as session:
        found = balances(session, principal.merchant_id, principal.livemode)

    def mine(key: AccountKey) -> bool:
        return (key.network, key.asset) == (asset.network, asset.key)

    return {key.kind: each.held for key, each in found.items() if mine(key)}
