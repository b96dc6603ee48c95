"""The registry: which networks are served, by which plugin; built at start, or the start stops."""

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, cast

from cloudpay.chains import hookspecs
from cloudpay.chains.adapter import Addresses, ChainAdapter, ChainDefinition
from cloudpay.chains.errors import InvalidAddress, NetworkCannotSend, UnknownNetwork
from cloudpay.chains.network import Asset, Network
from cloudpay.chains.settings import AssetSettings
from cloudpay.chains.spending import SpendingAdapter
from cloudpay.chains.types import Capability
from cloudpay.kernel.errors import ConfigurationError
from cloudpay.kernel.money import parse_amount, parse_decimal, to_base_units
from cloudpay.kernel.plugins import BrokenPlugin, load_plugins
from cloudpay.kernel.settings import convert_settings


class NetworkNotServed(ConfigurationError):
    """A network is configured that no installed plugin serves."""

    code = "network_not_served"

    def __init__(self, network: str, family: str, known: list[str]) -> None:
        wanted = family or network
        choice = ", ".join(known) or "(no plugin is installed)"
        super().__init__(
            f"[networks.{network}] is configured, but no installed plugin serves {wanted!r}. Install its plugin "
            f"(pip install cloudpay-{wanted}), set `family` to one of: {choice}, or remove the table."
        )


class Chains:
    """The configured networks; opens each one's adapter once, when first asked for."""

    def __init__(self, networks: Iterable[Network], default: str) -> None:
        self._networks = {network.code: network for network in networks}
        self._adapters: dict[str, ChainAdapter] = {}
        self._lock = threading.Lock()
        self.default = default

    def __iter__(self) -> Iterator[Network]:
        return iter(self._networks.values())

    def network(self, code: str) -> Network:
        """Find a network by code, in any case; raises `UnknownNetwork`."""
        found = self._networks.get(code.lower())
        if found is None:
            raise UnknownNetwork(code, sorted(self._networks))
        return found

    def get(self, code: str) -> Network | None:
        """Answer the network of a row, or None where it has been taken out of the settings since."""
        return self._networks.get(code)

    def find_asset(self, symbol: str, network: str | None) -> Asset:
        """Find what a request means by a currency and perhaps a network.

        Without a network, a symbol that is native somewhere means that; else the default network's asset of that
        symbol, or the one that is listed there as wrapping it. Raises `UnknownNetwork` and `UnknownAsset`.
        """
        if network:
            return self.network(network).asset(symbol)
        home = self.network(self.default)
        wanted = symbol.upper()
        natives = [each.native for each in self if each.native.symbol.upper() == wanted]
        if home.native in natives or not natives:
            wrapped = [asset for asset in home.assets if (asset.wraps or "").upper() == wanted]
            direct = [asset for asset in home.assets if asset.symbol.upper() == wanted]
            return (direct or wrapped or [home.asset(symbol)])[0]
        direct = [asset for asset in home.assets if asset.symbol.upper() == wanted]
        return (direct or natives)[0]

    def adapter(self, code: str) -> ChainAdapter:
        """Answer the network's adapter; the first call imports its heavy libraries."""
        network = self.network(code)
        with self._lock:
            if network.code not in self._adapters:
                self._adapters[network.code] = network.definition.open(network.settings, network.code)
            return self._adapters[network.code]

    def spending(self, code: str) -> SpendingAdapter:
        """Answer the network's adapter to send with; raises `NetworkCannotSend` where it only reads."""
        adapter = self.adapter(code)
        if Capability.SENDS not in adapter.capabilities:
            raise NetworkCannotSend(code)
        return cast("SpendingAdapter", adapter)

    def close(self) -> None:
        """Close every adapter that was opened."""
        with self._lock:
            for adapter in self._adapters.values():
                adapter.close()
            self._adapters.clear()


def load_chains(tables: Mapping[str, Mapping[str, Any]], default: str, *extra: tuple[str, Any]) -> Chains:
    """Load the plugins and hold the configured networks against them; raises `ConfigurationError` and its kin.

    `extra` are (name, plugin) pairs beside the installed ones; what they serve stands in for an installed plugin's
    network.
    """
    manager = load_plugins(hookspecs.ENTRY_POINT_GROUP, hookspecs, *extra)
    definitions = _definitions(manager, stand_ins={name for name, _plugin in extra})
    networks = [_network(code.lower(), table, definitions) for code, table in tables.items()]
    if networks and default not in {network.code for network in networks}:
        raise ConfigurationError(
            f"default_network is {default!r}, but there is no [networks.{default}]. "
            "Set default_network to a configured one."
        )
    return Chains(networks, default)


def _definitions(manager: Any, stand_ins: Collection[str]) -> dict[str, ChainDefinition]:
    installed: dict[str, ChainDefinition] = {}
    extra: dict[str, ChainDefinition] = {}
    for caller in manager.hook.cloudpay_chains.get_hookimpls():
        found = extra if caller.plugin_name in stand_ins else installed
        try:
            declared = tuple(caller.function())
        except Exception as error:
            raise BrokenPlugin(
                caller.plugin_name, f"its hook failed with {type(error).__name__}: {error}"
            ) from error
        for definition in declared:
            if not isinstance(definition, ChainDefinition):
                raise BrokenPlugin(
                    caller.plugin_name, f"its hook declared {definition!r}, which is not a ChainDefinition"
                )
            if definition.network in found:
                raise BrokenPlugin(
                    caller.plugin_name, f"it declares {definition.network!r}, which another plugin serves too"
                )
            found[definition.network] = definition
    return installed | extra


def _network(code: str, table: Mapping[str, Any], definitions: Mapping[str, ChainDefinition]) -> Network:
    family = str(table.get("family", ""))
    # With a family it is the user's own, whatever its code.
    shipped = None if family else definitions.get(code)
    definition = shipped or definitions.get(family)
    if definition is None:
        raise NetworkNotServed(code, family, sorted(definitions))
    merged = _merge(shipped.defaults if shipped else {}, table)
    settings = convert_settings(merged, definition.settings_schema, where=f"[networks.{code}]")
    assets = tuple(_asset(code, symbol, each) for symbol, each in settings.assets.items())
    native = next((asset for asset in assets if asset.symbol == settings.native), None)
    if native is None or native.contract is not None:
        raise ConfigurationError(
            f"[networks.{code}] must list its native coin: set `native` and an asset of that symbol without a contract."
        )
    if not settings.rpc_urls:
        raise ConfigurationError(f"[networks.{code}] has no rpc_urls: name at least one node.")
    addresses = definition.addresses(settings, code)
    return Network(
        code=code,
        name=settings.name or code,
        family=definition.family or definition.network,
        live=settings.live,
        key_family=definition.key_family,
        settings=settings,
        assets=assets,
        native=native,
        addresses=addresses,
        definition=definition,
        cold_address=_cold_address(code, settings.cold_address, addresses, assets),
    )


def _cold_address(code: str, text: str, addresses: Addresses, assets: Collection[Asset]) -> str | None:
    """Read where surplus goes: an address of this network, and no token's contract, where it would be lost."""
    surplus = [asset.symbol for asset in assets if asset.cold_above is not None]
    if not text:
        if surplus:
            raise ConfigurationError(
                f"[networks.{code}.assets.{surplus[0]}] has cold_above, and [networks.{code}] no cold_address to send "
                "what is above it to. Name one, or take cold_above out."
            )
        return None
    try:
        address = addresses.parse(text)
    except InvalidAddress as error:
        raise ConfigurationError(f"[networks.{code}] cold_address: {error.message}") from error
    if any(asset.contract == address for asset in assets):
        raise ConfigurationError(
            f"[networks.{code}] cold_address is a token's own contract, where money would be lost. Name a wallet."
        )
    return address


def _asset(code: str, symbol: str, settings: AssetSettings) -> Asset:
    return Asset(
        network=code,
        contract=settings.contract,
        symbol=symbol,
        decimals=settings.decimals,
        display_decimals=min(settings.display_decimals, settings.decimals),
        wraps=settings.wraps,
        large_amount=_units(settings.large_amount, settings.decimals),
        verify_balance=settings.verify_balance,
        sweep_minimum=_units(settings.sweep_minimum, settings.decimals),
        cold_above=_ceiling(settings.cold_above, settings.decimals),
    )


def _units(text: str, decimals: int) -> int | None:
    return parse_amount(text, decimals) if text else None


def _ceiling(text: str, decimals: int) -> int | None:
    """A ceiling of 0 is one, too: then all goes on."""
    return to_base_units(parse_decimal(text), decimals) if text else None


def _merge(defaults: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """Lay the user's table over the shipped one, key by key.

    `assets` are laid over symbol by symbol; `false` leaves one out, and a table that names no contract is about the
    shipped one.
    """
    merged = {**defaults, **table}
    if isinstance(table.get("assets"), Mapping):
        shipped: Mapping[str, Any] = defaults.get("assets", {})
        named = {symbol: _laid_over(shipped.get(symbol), asset) for symbol, asset in table["assets"].items()}
        merged["assets"] = {
            symbol: asset for symbol, asset in {**shipped, **named}.items() if asset is not False
        }
    return merged


def _laid_over(shipped: Any, asset: Any) -> Any:
    if isinstance(shipped, Mapping) and isinstance(asset, Mapping) and "contract" not in asset:
        return {**shipped, **asset}
    return asset
