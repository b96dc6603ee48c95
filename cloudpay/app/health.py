"""Is the process alive, and can it do its work: for supervisors and load balancers."""

from flask import Blueprint, Response, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from cloudpay.chains.gateway import Gateway, current
from cloudpay.kernel.log import get_logger
from cloudpay.payments.networks import network_views
from cloudpay.payments.states import NetworkStatus

blueprint = Blueprint("health", __name__)

_log = get_logger(__name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """Answer that the process is alive; nothing else is asked."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Answer what is not as it should be: 503 without the database, else 200 with the state of each network."""
    gateway = current()
    try:
        with gateway.db.read() as session:
            session.execute(text("SELECT 1"))
        networks = _networks(gateway)
    except SQLAlchemyError as error:
        _log.error("database_unreachable", error=type(error).__name__)
        return jsonify(status="unavailable", database="unreachable", networks={}), 503
    active = all(state["status"] == NetworkStatus.ACTIVE for state in networks.values())
    return jsonify(status="ready" if active else "degraded", database="reachable", networks=networks), 200


def _networks(gateway: Gateway) -> dict[str, dict[str, str]]:
    """Answer status by network, with what is wrong in words; reasons may name nodes, so they stay in the log."""
    return {
        view.code: {"status": view.status.value, "says": _WORDS[view.status]}
        for view in network_views(gateway)
    }


_WORDS = {
    NetworkStatus.ACTIVE: "Invoices are taken and payments are credited.",
    NetworkStatus.UNVERIFIED: "No node has proven yet that it is on the right chain; no invoices are taken.",
    NetworkStatus.STALLED: "The chain or its nodes stand still; no invoices are taken, nothing is credited.",
    NetworkStatus.PAUSED: "An operator must look at it (`cloudpay chains`); no invoices are taken.",
}
