"""Look for money that came to an invoice's address and is no payment: on every network that shares the address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cloudpay.chains.errors import NodeUnavailable, Unlinked
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.invoices.service import get_for_payer
from cloudpay.kernel.errors import ConfigurationError
from cloudpay.payments.strays import Stray, strays


@dataclass(frozen=True)
class LookUp:
    """What was found, and by network why one could not be looked at."""

    strays: Sequence[Stray]
    problems: Mapping[str, str]


def look_up(gateway: Gateway, invoice_id: str, network: str | None = None) -> LookUp:
    """Look for what is not credited, on one network or on all that share the address; nothing changes by it.

    Raises `UnknownInvoice` and `UnknownNetwork`.
    """
    invoice = get_for_payer(gateway, invoice_id)
    option = invoice.option
    found: list[Stray] = []
    problems: dict[str, str] = {}
    wanted = [gateway.chains.network(network)] if network else _sharing(gateway, option.network)
    for each in wanted:
        try:
            found += strays(gateway, each.code, option.address, invoice.created_at)
        except (
            NodeUnavailable,
            ConfigurationError,
            Unlinked,
        ) as error:  # the others are looked at all the same
            problems[each.code] = error.message
    return LookUp(found, problems)


def _sharing(gateway: Gateway, code: str) -> list[Network]:
    """Answer all networks of the address's key family; real money may have been sent to a test invoice, too."""
    home = gateway.chains.network(code)
    return [each for each in gateway.chains if each.key_family == home.key_family]
