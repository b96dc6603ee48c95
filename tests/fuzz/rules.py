"""What every answer is held to beyond Schemathesis' own checks, and which refusals are right all the same."""

from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

MEANING = frozenset(
    {
        "unknown_network",
        "unknown_currency",
        "invalid_amount",
        "rate_unavailable",
        "unknown_token",
        "mode_mismatch",
        "payouts_refused",
        "payout_currency_unset",
        "insufficient_funds",
    }
)
"""Codes of 422 that no schema can foretell: which networks and currencies there are, and how fine those are."""

allowed: dict[str, int] = {}
"""How often a well-formed request was refused for its meaning, by code."""


@schemathesis.check
def every_answer_is_guarded(_context: CheckContext, response: Response, _case: Case[Any]) -> None:
    """Headers that every answer has, and one shape for all that are refusals."""
    headers = response.headers
    assert headers["x-content-type-options"] == ["nosniff"], headers
    assert headers["cache-control"] == ["no-store"], headers
    assert len(headers["x-request-id"]) == 1, headers
    if response.status_code < 400:
        return
    assert headers["content-type"] == ["application/problem+json"], headers
    problem = _json(response)
    assert problem["status"] == response.status_code, problem
    assert problem["request_id"] == headers["x-request-id"][0], problem
    assert len(problem["detail"].split()) > 3, problem
    assert (response.status_code in (429, 503)) == ("retry-after" in headers), headers


@schemathesis.check
def every_status_is_named_in_the_document(
    _context: CheckContext, response: Response, case: Case[Any]
) -> None:
    """`default` would let anything pass."""
    if case.method.lower() != case.operation.method.lower():
        return  # `unsupported_method` sees to those
    named = {int(status) for status in case.operation.definition.raw["responses"] if status != "default"}
    assert response.status_code in named, (response.status_code, response.text[:300])


@schemathesis.check
def every_answer_comes_soon(_context: CheckContext, response: Response, _case: Case[Any]) -> None:
    """No request of any shape may hold a thread of the server for long."""
    assert response.elapsed < 10, response.elapsed


@schemathesis.hook
def filter_failure(_context: HookContext, failure: Any, case: Case[Any], response: Response) -> bool:
    """A well-formed request may be refused for what it means; any other refusal of one is a failure."""
    if type(failure).__name__ != "RejectedPositiveData" or response.status_code != 422:
        return True
    problem = _json(response)
    code = str(problem["code"])
    if code not in MEANING:
        values = {**(case.query or {}), **(case.body if isinstance(case.body, dict) else {})}
        reasons = {_reason(name.rpartition(".")[2], _at(values, name)) for name in problem["errors"]}
        if None in reasons or not reasons:
            return True
        code = ", ".join(sorted(map(str, reasons)))
    allowed[code] = allowed.get(code, 0) + 1
    return False


def _at(values: Any, path: str) -> Any:
    """Answer what stands at a path such as `items.0.amount`."""
    for part in path.split("."):
        if isinstance(values, list):
            values = values[int(part)]
        else:
            values = values.get(part) if isinstance(values, dict) else None
    return values


def _reason(field: str, value: Any) -> str | None:
    """Say what in a well-formed value is wrong all the same; None when nothing is."""
    if field == "callback_url":
        return "a callback_url that may not be called"
    if isinstance(value, str) and not value.strip():
        return "blank text"
    if isinstance(value, float) and field in ("amount", "totalusd"):
        return "a number finer than 18 decimals"
    return None


def _json(response: Response) -> dict[str, Any]:
    found: dict[str, Any] = response.json()
    return found
