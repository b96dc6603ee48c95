"""The hook: which networks this distribution serves. Light: tronpy and the nodes come with `open`."""

from collections.abc import Iterable

from cloudpay.chains.adapter import Addresses, ChainAdapter, ChainDefinition
from cloudpay.chains.errors import UnusableTable
from cloudpay.chains.settings import NetworkSettings
from cloudpay.chains.tables import listed_contracts
from cloudpay.chains.types import Finality, KeyFamily
from cloudpay.kernel.plugins import hookimpl
from cloudpay_tron.addresses import TronAddresses
from cloudpay_tron.networks import NETWORKS
from cloudpay_tron.provider import require_safe_key
from cloudpay_tron.settings import TronSettings

FAMILY = KeyFamily("tron", 195)  # SLIP-44


@hookimpl
def cloudpay_chains() -> Iterable[ChainDefinition]:
    """Declare TRON and its test nets."""
    return tuple(
        ChainDefinition(
            network=code,
            key_family=FAMILY,
            settings_schema=TronSettings,
            addresses=light_half,
            open=open_adapter,
            defaults=table,
            family="tron",
            sends=True,
        )
        for code, table in NETWORKS.items()
    )


def light_half(settings: NetworkSettings, network: str) -> Addresses:
    """Check the table and answer the addresses of its chain; raises `UnusableTable`."""
    if not isinstance(settings, TronSettings):
        raise TypeError(f"the table of {network} was read as {type(settings).__name__}")
    addresses = TronAddresses(network)
    if settings.finality is not Finality.SOLID:
        raise UnusableTable(network, 'finality must be "solid": TRON tells itself which block is final')
    require_safe_key(settings, network)
    for symbol, contract in listed_contracts(settings, addresses, network).items():
        if contract != settings.assets[symbol].contract:
            raise UnusableTable(network, f"contract of assets.{symbol}: write it as {contract}")
    return addresses


def open_adapter(settings: TronSettings, network: str) -> ChainAdapter:
    """Import the heavy half and answer an adapter; no call is made yet."""
    from cloudpay_tron.adapter import TronAdapter

    return TronAdapter(settings, network)
