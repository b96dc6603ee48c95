"""One attempt: sign, call, write down. No transaction is open during the call."""

from collections.abc import Sequence

import structlog

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.errors import CloudPayError
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.log import get_logger
from cloudpay.merchants.service import webhook_secrets
from cloudpay.webhooks.claims import Claim
from cloudpay.webhooks.client import Outcome, WebhookClient
from cloudpay.webhooks.outcomes import settle
from cloudpay.webhooks.signing import signature_headers
from cloudpay.webhooks.states import DeliveryStatus

log = get_logger(__name__)


def attempt(gateway: Gateway, client: WebhookClient, claim: Claim) -> None:
    """Send one claimed delivery and settle it."""
    with structlog.contextvars.bound_contextvars(delivery=claim.delivery_id, event=claim.event_id):
        outcome = _send(gateway, client, claim)
        passing(Failpoint.DELIVERY_SENT)
        status = gateway.db.run(
            lambda session: settle(session, claim.delivery_id, claim.id, outcome, gateway.clock.now(session))
        )
        passing(Failpoint.DELIVERY_COMMITTED)
        if status is None:
            log.warning("webhook_claim_lost", took_ms=outcome.duration_ms)
        else:
            log.info(
                "webhook_attempted", status=status, code=outcome.status_code, took_ms=outcome.duration_ms
            )


def _send(gateway: Gateway, client: WebhookClient, claim: Claim) -> Outcome:
    try:
        secrets = _secrets(gateway, claim)
    except (
        CloudPayError
    ) as error:  # such as a replaced application key: the event waits until it is put right
        log.exception("webhook_not_signed", code=error.code)
        return Outcome(
            DeliveryStatus.FAILED, error="The gateway could not sign this event; it tries again later."
        )
    headers = signature_headers(claim.event_id, claim.at, claim.body, secrets)
    return client.post(claim.url, headers, claim.body.encode())


def _secrets(gateway: Gateway, claim: Claim) -> Sequence[str]:
    if claim.merchant_id is None:
        return [gateway.settings.alerts.secret]
    return webhook_secrets(gateway, claim.merchant_id)
