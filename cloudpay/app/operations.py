"""What every operation of the OpenAPI document has beside its schemas: a name, its refusals, headers and links."""

from collections.abc import Iterator
from typing import Any

from flask import Flask

from cloudpay.app.problems import HTTP_PROBLEMS, MIMETYPE

Operation = dict[str, Any]

_METHODS = ("get", "post", "put", "patch", "delete")
_TEXT = {"type": "string"}
_SECONDS = {"schema": {"type": "integer", "minimum": 1}, "required": True}
_REQUEST_ID = {
    "X-Request-Id": {"description": "Name it when you ask for help.", "schema": _TEXT, "required": True}
}
_RETRY = {"Retry-After": {"description": "Seconds after which it may be tried again.", **_SECONDS}}
_REPLAYED = {
    "Idempotent-Replayed": {
        "description": "`true` when this is the answer to an earlier request with the same `Idempotency-Key`.",
        "schema": _TEXT,
    }
}

_REFUSALS: dict[int, tuple[str, dict[str, Any]]] = {
    400: (HTTP_PROBLEMS[400][1], {}),
    401: (
        "The API key is missing, unknown, revoked or expired.",
        {"WWW-Authenticate": {"schema": _TEXT, "required": True}},
    ),
    403: ("The API key may not do this.", {}),
    404: ("There is no such thing, or it is another merchant's.", {}),
    408: ("The body did not arrive in time.", {}),
    409: ("It contradicts an earlier request, or the state that the thing is in.", {}),
    413: (HTTP_PROBLEMS[413][1], {}),
    415: ("The body is a form. Send the file itself.", {}),
    422: (HTTP_PROBLEMS[422][1], {}),
    429: (HTTP_PROBLEMS[429][1], _RETRY),
    503: ("Something that this needs is away for a while.", _RETRY),
}
_ALWAYS = (400, 401, 403, 408, 413, 429, 503)
"""A body is read, and refused when it is none, by routes that take no body, too."""

_GET, _CANCEL, _LIST = "getInvoice", "cancelInvoice", "listDeliveries"
_DELIVERY, _REDELIVER = "getDelivery", "redeliver"
_ITS_INVOICE, _FIRST = "$response.body#/id", "$response.body#/items/0/id"
_ITS_PAYOUT, _ITS_BATCH = "$response.body#/payout_id", "$response.body#/batch_id"
_OF_PAYOUT = {
    **{name: {"payout_id": _ITS_PAYOUT} for name in ("getPayout", "confirmPayout", "cancelPayout")},
    "getBatch": {"batch_id": _ITS_BATCH},
}
_OF_BATCH = {
    **{name: {"batch_id": _ITS_BATCH} for name in ("getBatch", "confirmBatch", "cancelBatch")},
    "listPayouts": {"batch_id": _ITS_BATCH},
}
LINKS: dict[str, dict[str, dict[str, str]]] = {
    "createInvoice": {
        _GET: {"invoice_id": _ITS_INVOICE},
        _CANCEL: {"invoice_id": _ITS_INVOICE},
        _LIST: {"invoice_id": _ITS_INVOICE},
    },
    _GET: {_CANCEL: {"invoice_id": _ITS_INVOICE}, _LIST: {"invoice_id": _ITS_INVOICE}},
    "listInvoices": {_GET: {"invoice_id": _FIRST}},
    _CANCEL: {_GET: {"invoice_id": _ITS_INVOICE}, _LIST: {"invoice_id": _ITS_INVOICE}},
    _LIST: {
        _DELIVERY: {"delivery_id": _FIRST},
        _REDELIVER: {"delivery_id": _FIRST},
        _GET: {"invoice_id": "$response.body#/items/0/invoice_id"},
    },
    _DELIVERY: {
        _REDELIVER: {"delivery_id": _ITS_INVOICE},
        _GET: {"invoice_id": "$response.body#/invoice_id"},
    },
    _REDELIVER: {_DELIVERY: {"delivery_id": _ITS_INVOICE}},
    "createBatch": _OF_BATCH,
    "createBatchFromFile": _OF_BATCH,
    "getBatch": _OF_BATCH,
    "confirmBatch": _OF_BATCH,
    "cancelBatch": _OF_BATCH,
    "createPayout": _OF_PAYOUT,
    "getPayout": _OF_PAYOUT,
    "confirmPayout": _OF_PAYOUT,
    "cancelPayout": _OF_PAYOUT,
    "listPayouts": {
        "getPayout": {"payout_id": "$response.body#/items/0/payout_id"},
        "getBatch": {"batch_id": "$response.body#/items/0/batch_id"},
    },
}
"""By operation, what can be asked next with what it answered: the way from an invoice to its deliveries and back,
and from a batch to its payouts."""


def complete(app: Flask, document: dict[str, Any], prefix: str) -> None:
    """Give every operation of the document its name, its refusals, the headers of its answers, and its links."""
    names = dict(_names(app, prefix))
    refusals = document["components"].setdefault("responses", {})
    refusals.update({f"Refused{status}": _refusal(status) for status in _REFUSALS})
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                item[method]["operationId"] = names[method, path]
                _complete_operation(item[method], method, takes_id="{" in path)
    _require_what_is_always_there(document)


def _complete_operation(operation: Operation, method: str, *, takes_id: bool) -> None:
    answers = operation["responses"]
    links = {name: _link(name, values) for name, values in LINKS.get(operation["operationId"], {}).items()}
    for status, answer in answers.items():
        if status.startswith("2"):
            answer["headers"] = {**_REQUEST_ID, **(_REPLAYED if method == "post" else {})}
            answer.update({"links": links} if links else {})
    wanted = [*_ALWAYS, *([404] if takes_id else []), *([409] if method == "post" else [])]
    if takes_id or "422" in answers or method == "post":
        wanted.append(422)
    if "text/csv" in operation.get("requestBody", {}).get("content", ()):
        wanted.append(415)
    for status in sorted(wanted):
        answers[str(status)] = {"$ref": f"#/components/responses/Refused{status}"}


def _refusal(status: int) -> dict[str, Any]:
    words, headers = _REFUSALS[status]
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": words,
        "headers": {**_REQUEST_ID, **headers},
        "content": {MIMETYPE: {"schema": schema}},
    }


def _link(name: str, values: dict[str, str]) -> dict[str, Any]:
    return {"operationId": name, "parameters": values}


def _names(app: Flask, prefix: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Answer (method, path) and the view's own name as `createInvoice`."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(prefix):
            path = rule.rule.removeprefix(prefix).replace("<", "{").replace(">", "}")
            first, *rest = rule.endpoint.rpartition(".")[2].split("_")
            name = first + "".join(map(str.capitalize, rest))
            yield from (((method.lower(), path), name) for method in rule.methods or ())


def _require_what_is_always_there(document: dict[str, Any]) -> None:
    """Every field of an answer is always in it, null where there is nothing to say: programs need not ask first."""
    schemas = document["components"]["schemas"]
    for name in _answered(document):
        schemas[name].setdefault("required", list(schemas[name]["properties"]))


def _answered(document: dict[str, Any]) -> set[str]:
    """Answer the names of all schemas that an answer is made of."""
    components = document["components"]
    waiting: list[Any] = [components["responses"]]
    waiting += [
        item[method]["responses"]
        for item in document["paths"].values()
        for method in _METHODS
        if method in item
    ]
    found: set[str] = set()
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, dict):
            name = str(part.get("$ref", "")).removeprefix("#/components/schemas/")
            if name in components["schemas"] and name not in found:
                found.add(name)
                waiting.append(components["schemas"][name])
            waiting.extend(part.values())
    return found
