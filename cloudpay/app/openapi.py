"""The OpenAPI 3.1 document: made from the schemas of the routes, with what holds for all of them added."""

from copy import deepcopy
from typing import Any

import flask_smorest  # type: ignore[import-untyped]  # it ships no types
from flask import Flask

from cloudpay import __version__
from cloudpay.app.operations import complete
from cloudpay.app.problems import MIMETYPE
from cloudpay.app.schemas import Problem
from cloudpay.app.told import BODIES, webhooks
from cloudpay.kernel.fields import Money
from cloudpay.kernel.settings import Settings

_EXTENSION = "cloudpay.api"
_PREFIX = "/api"

_ABOUT = """\
Accept crypto payments: create an invoice, show its address, and be told by a webhook when it is paid. Pay out from your
master wallet, one by one or in bulk.

**Headers.** `x-api-key` holds your key. `merchant_id` (or `merchant-id`) may name your merchant id; the key decides,
and a contradiction is refused with 401.

**Amounts** are decimal strings such as `"10.50"`; JSON numbers are accepted too and read exactly.

**Repeating.** Send an `Idempotency-Key` with a POST: for 24 hours, the same key and content get the same answer and do
nothing twice; another content with that key is refused with 409.

**Errors** are `application/problem+json` (RFC 9457) with a stable `code`, a sentence in `detail` that says what to do,
and `errors` by field.

**Lists** are paged by `page` and `limit` (100 at most). Send the `anchor` that page 1 answered with the later pages,
and new items do not shift them.
"""


class _Api(flask_smorest.Api):  # type: ignore[misc]  # as above
    """Smorest's Api, with our own errors: documented by `Problem`, answered by `problems`."""

    ERROR_SCHEMA = Problem

    def _register_error_handlers(self) -> None:
        """Leave errors to `problems.register_handlers`."""


def make_api(app: Flask, settings: Settings) -> Any:
    """Answer the Api that routes are registered with."""
    app.config.update(
        API_TITLE="CloudPay",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "info": {"description": _ABOUT},
            "servers": [{"url": settings.web.public_url.rstrip("/") + _PREFIX}],
            "security": [{"apiKey": [], "merchantId": []}, {"apiKey": []}],
        },
    )
    api = _Api(app)
    api.register_field(Money, "string", "decimal")
    scheme = api.spec.components.security_scheme
    scheme("apiKey", {"type": "apiKey", "in": "header", "name": "x-api-key"})
    scheme("merchantId", {"type": "apiKey", "in": "header", "name": "merchant_id"})
    for body in BODIES:
        api.spec.components.schema(body.__name__, schema=body)
    app.extensions[_EXTENSION] = api
    return api


def document(app: Flask) -> dict[str, Any]:
    """Answer the OpenAPI document of an application."""
    made: dict[str, Any] = deepcopy(app.extensions[_EXTENSION].spec.to_dict())
    made["paths"] = {path.removeprefix(_PREFIX): item for path, item in made["paths"].items()}
    for item in made["paths"].values():
        if "post" in item:
            item["post"].setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
            _leave_out_empty_body(item["post"])
    for response in made["components"].get("responses", {}).values():
        content = response.get("content", {})
        if "application/json" in content:
            content[MIMETYPE] = content.pop("application/json")
    complete(app, made, _PREFIX)
    made["components"]["schemas"]["NewInvoice"]["oneOf"] = _ONE_AMOUNT
    made["webhooks"] = webhooks()
    return made


def _leave_out_empty_body(operation: dict[str, Any]) -> None:
    """A route that takes no fields needs no body: nothing is sent more easily than an empty object."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    if body.get("schema", {}).get("$ref", "").endswith("/NoFields"):
        del operation["requestBody"]


_ONE_AMOUNT = [{"required": ["amount"]}, {"required": ["totalusd"]}]

_IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "description": "The same key and content within 24 hours get the same answer, and do nothing twice.",
}
