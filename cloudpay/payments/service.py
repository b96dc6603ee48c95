"""What other capabilities and people ask about payments."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.orm import Session

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.kernel.db import table_of
from cloudpay.payments.health import verify
from cloudpay.payments.models import NetworkRow, PaymentRow
from cloudpay.payments.views import PaymentView, payment_view

_PAYMENT, _NETWORK = table_of(PaymentRow), table_of(NetworkRow)
_OF_INVOICES = (
    select(*_PAYMENT.c, _NETWORK.c.cursor_height)
    .join_from(_PAYMENT, _NETWORK, _PAYMENT.c.network == _NETWORK.c.code, isouter=True)
    .where(_PAYMENT.c.invoice_id.in_(bindparam("invoice_ids", expanding=True)))
    .order_by(_PAYMENT.c.id)
)
"""Payments in plain columns, each with the newest block that was read on its network."""


def of_invoices(asked: Session | Connection, invoice_ids: Sequence[str]) -> dict[str, list[PaymentView]]:
    """Answer the payments of each invoice, oldest first."""
    if isinstance(asked, Session):
        asked.flush()  # plain columns are read from the tables: what was changed here must be there
    found: dict[str, list[PaymentView]] = {invoice_id: [] for invoice_id in invoice_ids}
    for row in asked.execute(_OF_INVOICES, {"invoice_ids": invoice_ids}):
        found[row.invoice_id].append(payment_view(row, row.cursor_height))
    return found


def of_invoice(asked: Session | Connection, invoice_id: str) -> list[PaymentView]:
    """Answer the payments of one invoice, oldest first."""
    return of_invoices(asked, [invoice_id])[invoice_id]


def verify_networks(gateway: Gateway) -> dict[str, str]:
    """Verify all networks side by side; answer why some could not be reached.

    Raises `ConfigurationError` for a wrong one.
    """
    networks = list(gateway.chains)
    with ThreadPoolExecutor(max_workers=max(1, len(networks))) as pool:
        problems = pool.map(lambda network: _verify(gateway, network), networks)
        return {network.code: problem for network, problem in zip(networks, problems, strict=True) if problem}


def _verify(gateway: Gateway, network: Network) -> str | None:
    try:
        verify(gateway, network, gateway.chains.adapter(network.code))
    except NodeUnavailable as error:
        return error.message
    return None
