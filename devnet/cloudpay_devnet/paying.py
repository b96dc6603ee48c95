"""Paying as the payer of a running demo, by what its file says of a network."""

from collections.abc import Callable, Mapping
from typing import Any

from cloudpay_devnet.networks import Kind


def pay(network: Mapping[str, Any], currency: str, to: str, units: int) -> str:
    """Send from the payer; answers the transaction's hash."""
    token = network["assets"][currency]["token_address"]
    return _PAYERS[Kind(network["family"])](network, token, to, units)


def _by_the_node(network: Mapping[str, Any], token: str | None, to: str, units: int) -> str:
    """Anvil holds the payer's key."""
    from cloudpay_devnet.contracts import call_data
    from cloudpay_devnet.rpc import JsonRpc

    request = {"from": network["payer"]["address"], "to": to, "value": hex(units)}
    if token is not None:
        data = call_data("transfer(address,uint256)", to, units)
        request |= {"to": token, "value": "0x0", "data": data}
    rpc = JsonRpc(network["rpc_url"])
    try:
        return rpc.text("eth_sendTransaction", request)
    finally:
        rpc.close()


def _by_signing(network: Mapping[str, Any], token: str | None, to: str, units: int) -> str:
    """A TRON node holds no keys."""
    from cloudpay_devnet.tron.client import TronClient
    from cloudpay_devnet.tron.desk import Desk
    from cloudpay_devnet.tron.keys import DevKey
    from cloudpay_devnet.tron.paying import transfer

    client = TronClient(network["rpc_url"])
    try:
        return transfer(Desk(client), DevKey(network["payer"]["private_key"]), token, to, units)
    finally:
        client.close()


_PAYERS: Mapping[Kind, Callable[[Mapping[str, Any], str | None, str, int], str]] = {
    Kind.EVM: _by_the_node,
    Kind.TRON: _by_signing,
}
