"""The hook: which networks this distribution serves. Light: web3 and the nodes come with `open`."""

from collections.abc import Iterable, Mapping
from typing import Any

from cloudpay.chains.adapter import Addresses, ChainAdapter, ChainDefinition
from cloudpay.chains.errors import UnusableTable
from cloudpay.chains.settings import NetworkSettings
from cloudpay.chains.tables import listed_contracts
from cloudpay.chains.types import Finality, KeyFamily
from cloudpay.kernel.plugins import hookimpl
from cloudpay_evm.addresses import EvmAddresses
from cloudpay_evm.networks import NETWORKS
from cloudpay_evm.settings import EvmSettings

FAMILY = KeyFamily(
    "evm", 60
)  # SLIP-44: every EVM chain's wallets use Ethereum's 60, so one address serves them all


@hookimpl
def cloudpay_chains() -> Iterable[ChainDefinition]:
    """Declare Ethereum and its test net."""
    return definitions(NETWORKS)


def definitions(networks: Mapping[str, Mapping[str, Any]]) -> tuple[ChainDefinition, ...]:
    """Declare EVM networks by their shipped tables: all that a plugin for a sibling of Ethereum needs."""
    return tuple(
        ChainDefinition(
            network=code,
            key_family=FAMILY,
            settings_schema=EvmSettings,
            addresses=light_half,
            open=open_adapter,
            defaults=table,
            family="evm",
            sends=True,
        )
        for code, table in networks.items()
    )


def light_half(settings: NetworkSettings, network: str) -> Addresses:
    """Check the table and answer the addresses of its chain; raises `UnusableTable`."""
    if not isinstance(settings, EvmSettings):
        raise TypeError(f"the table of {network} was read as {type(settings).__name__}")
    addresses = EvmAddresses(network, settings.chain_id)
    if settings.finality is Finality.SOLID:
        raise UnusableTable(network, "finality `solid` is TRON's; use `tag` or `depth`")
    listed_contracts(settings, addresses, network)
    return addresses


def open_adapter(settings: EvmSettings, network: str) -> ChainAdapter:
    """Import web3 and answer an adapter; no call is made yet."""
    from cloudpay_evm.adapter import EvmAdapter

    return EvmAdapter(settings, network)
