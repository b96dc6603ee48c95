"""A configured network and its assets, as the core knows them."""

from dataclasses import dataclass

from cloudpay.chains.adapter import Addresses, ChainDefinition
from cloudpay.chains.errors import UnknownAsset
from cloudpay.chains.settings import NetworkSettings
from cloudpay.chains.types import KeyFamily


@dataclass(frozen=True)
class Asset:
    """An asset is (network, contract), never a symbol; `contract` is None for the native coin."""

    network: str
    contract: str | None
    symbol: str
    decimals: int
    display_decimals: int
    wraps: str | None
    large_amount: int | None
    verify_balance: bool = False
    sweep_minimum: int | None = None
    cold_above: int | None = None

    @property
    def key(self) -> str:
        """The contract, or empty text for the native coin: what tables and indexes hold."""
        return self.contract or ""


@dataclass(frozen=True)
class Network:
    """One network that this gateway serves."""

    code: str
    name: str
    family: str
    live: bool
    key_family: KeyFamily
    settings: NetworkSettings
    assets: tuple[Asset, ...]
    native: Asset
    addresses: Addresses
    definition: ChainDefinition
    cold_address: str | None = None

    @property
    def sends(self) -> bool:
        """Say whether money can be sent on this network; without it there are no payouts, no sweeps, no refunds."""
        return self.definition.sends

    def asset(self, symbol: str) -> Asset:
        """Find a listed asset by symbol, in any case; raises `UnknownAsset`."""
        for asset in self.assets:
            if asset.symbol.upper() == symbol.upper():
                return asset
        raise UnknownAsset(symbol, self.code, [asset.symbol for asset in self.assets])

    def asset_of(self, key: str) -> Asset | None:
        """Find a listed asset by its key (contract, or empty for native)."""
        return next((asset for asset in self.assets if asset.key == key), None)

    def unit_of(self, key: str) -> tuple[str, int]:
        """Answer the symbol and the decimals of an asset by its key; one that is not listed is told in base units."""
        asset = self.asset_of(key)
        return (key, 0) if asset is None else (asset.symbol, asset.decimals)
