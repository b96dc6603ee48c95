"""What a plugin holds a network's table against before anything is opened."""

from collections.abc import Mapping

from cloudpay.chains.adapter import Addresses
from cloudpay.chains.errors import InvalidAddress, UnusableTable
from cloudpay.chains.settings import NetworkSettings


def listed_contracts(settings: NetworkSettings, addresses: Addresses, network: str) -> Mapping[str, str]:
    """Answer the normalised contract of each listed token by its symbol.

    Raises `UnusableTable` where one is no address of this chain, or stands there under two symbols.
    """
    found: dict[str, str] = {}
    for symbol, asset in settings.assets.items():
        if asset.contract is None:
            continue
        try:
            contract = addresses.parse(asset.contract)
        except InvalidAddress as error:
            raise UnusableTable(network, f"contract of assets.{symbol}: {error.reason}") from error
        if contract in found.values():
            raise UnusableTable(network, f"contract of assets.{symbol} is listed twice, under two symbols")
        found[symbol] = contract
    return found
