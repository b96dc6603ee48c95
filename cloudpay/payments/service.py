"""What other capabilities and people ask about payments."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.payments.health import verify
from cloudpay.payments.models import NetworkRow, PaymentRow
from cloudpay.payments.views import PaymentView, payment_view


def of_invoices(session: Session, invoice_ids: Sequence[str]) -> dict[str, list[PaymentView]]:
    """Answer the payments of each invoice, oldest first."""
    rows = session.scalars(
        select(PaymentRow).where(PaymentRow.invoice_id.in_(invoice_ids)).order_by(PaymentRow.id)
    ).all()
    heads = _heads(session, {row.network for row in rows})
    found: dict[str, list[PaymentView]] = {invoice_id: [] for invoice_id in invoice_ids}
    for row in rows:
        found[row.invoice_id].append(payment_view(row, heads.get(row.network)))
    return found


def of_invoice(session: Session, invoice_id: str) -> list[PaymentView]:
    """Answer the payments of one invoice, oldest first."""
    return of_invoices(session, [invoice_id])[invoice_id]


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


def _heads(session: Session, codes: set[str]) -> dict[str, int]:
    if not codes:
        return {}
    rows = session.execute(
        select(NetworkRow.code, NetworkRow.cursor_height).where(NetworkRow.code.in_(codes))
    )
    return {code: height for code, height in rows if height is not None}
