"""A merchant with something of everything, so that links lead somewhere and lists are not empty."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import update

from cloudpay.webhooks.models import Delivery
from cloudpay.webhooks.states import DeliveryStatus
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.networks import network_spec
from tests.api.house import House, Tenant
from tests.api.opening import open_house

_MAIN_NET = 1


@contextmanager
def house_on_a_node(folder: Path, database_url: str | None) -> Iterator[House]:
    """Run a gateway whose node answers, so that a balance can be asked for; limits are never reached."""
    spec = replace(network_spec("evm"), chain_id=_MAIN_NET)
    with (
        DevChain.start(spec) as chain,
        open_house(folder, database_url, rpc_url=chain.node.rpc_url) as running,
    ):
        _mint_the_tokens(running, chain)
        yield running


def _mint_the_tokens(house: House, chain: DevChain) -> None:
    """Put a token where the gateway's networks have theirs: a node that finds none there is taken for broken."""
    made = chain.asset("USDT").token_address
    code = chain.node.rpc.call("eth_getCode", made, "latest")
    for asset in house.gateway.chains.network("evm").assets:
        if asset.contract:
            chain.node.rpc.call("anvil_setCode", asset.contract, code)


def furnished(house: House) -> Tenant:
    """Open an account with invoices in several states and deliveries in every state."""
    tenant = house.tenant("Fuzzed")
    for status in DeliveryStatus:
        invoice_id = house.invoice(tenant, callback_url="https://shop.example/hook")
        delivery_id = house.delivery(tenant, invoice_id)
        with house.gateway.db.transaction() as session:
            session.execute(update(Delivery).where(Delivery.id == delivery_id).values(status=status.value))
    house.send("POST", f"/api/invoice/{house.invoice(tenant)}/cancel", tenant.headers)
    return tenant
