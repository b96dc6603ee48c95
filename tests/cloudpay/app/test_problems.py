"""Errors as problems: the shape, and that nothing of ours is told to strangers."""

from typing import ClassVar, NoReturn

import pytest
from flask import Flask, redirect
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs
from werkzeug.wrappers import Response

from cloudpay.app import create_app
from cloudpay.chains.gateway import Gateway, current
from cloudpay.kernel.errors import CloudPayError, ConfigurationError, InvalidRequest, Unavailable
from cloudpay.kernel.fields import Money, NoFields
from cloudpay.kernel.http import Blueprint


class _Odd(InvalidRequest):
    code: ClassVar[str] = "odd"


def _raise(error: Exception) -> NoReturn:
    raise error


@pytest.fixture
def client(gateway: Gateway) -> FlaskClient:
    """An application with routes that fail in every way."""
    app: Flask = create_app(gateway=gateway)
    app.add_url_rule(
        "/odd", "odd", lambda: _raise(_Odd("It is odd; make it even.", errors={"number": ["Make it even."]}))
    )
    app.add_url_rule("/bug", "bug", lambda: _raise(KeyError("sk_secretsecretsecret")))
    app.add_url_rule(
        "/setup", "setup", lambda: _raise(ConfigurationError("/etc/cloudpay/app.key is missing."))
    )
    app.add_url_rule("/away", "away", lambda: _raise(Unavailable("It is away; try again later.")))
    app.add_url_rule(
        "/locked", "locked", lambda: _raise(OperationalError("SELECT 1", {}, Exception("locked")))
    )
    app.add_url_rule("/sql", "sql", _broken_sql)
    app.add_url_rule("/moved", "moved", lambda: redirect("/odd"))
    return app.test_client()


def _broken_sql() -> Response:
    with current().db.read() as session:
        session.execute(text("SELECT * FROM audit_entries WHERE id = :id"), {"id": object()})
    raise AssertionError


def test_an_error_of_ours_tells_its_code_sentence_and_fields(client: FlaskClient) -> None:
    response = client.get("/odd", headers={"X-Request-Id": "mine-1"})
    assert (response.status_code, response.mimetype) == (422, "application/problem+json")
    assert response.get_json() == {
        "type": "urn:cloudpay:problem:odd",
        "title": InvalidRequest.title,
        "status": 422,
        "detail": "It is odd; make it even.",
        "code": "odd",
        "errors": {"number": ["Make it even."]},
        "instance": "/odd",
        "request_id": "mine-1",
    }


@pytest.mark.parametrize("path", ["/bug", "/setup", "/sql"])
def test_what_is_our_own_fault_is_logged_and_tells_nothing_but_the_request_id(
    client: FlaskClient, path: str
) -> None:
    """F98."""
    with capture_logs() as lines:
        response = client.get(path)
    assert any(line["event"] == "request_failed" for line in lines)
    assert response.status_code == 500
    body = response.get_json()
    assert body["code"] == CloudPayError.code
    assert body["request_id"] == response.headers["X-Request-Id"]
    for secret in (b"sk_secret", b"app.key", b"KeyError", b"SELECT", b"Traceback"):
        assert secret not in response.data


@pytest.mark.parametrize(("path", "code"), [("/away", "unavailable"), ("/locked", "database_unavailable")])
def test_what_passes_says_when_to_try_again(client: FlaskClient, path: str, code: str) -> None:
    """F114."""
    response = client.get(path)
    assert (response.status_code, response.get_json()["code"]) == (503, code)
    assert int(response.headers["Retry-After"]) > 0


def test_a_redirect_is_no_error(client: FlaskClient) -> None:
    response = client.get("/moved")
    assert (response.status_code, response.headers["Location"]) == (302, "/odd")


def test_an_unknown_address_is_a_problem(client: FlaskClient) -> None:
    response = client.get("/api/nothing")
    assert (response.status_code, response.get_json()["code"]) == (404, "route_not_found")


def test_fields_are_named_by_their_path(gateway: Gateway) -> None:
    from marshmallow import Schema, fields

    class Item(Schema):
        amount = Money(required=True)

    class Batch(Schema):
        items = fields.List(fields.Nested(Item), required=True)

    blueprint = Blueprint("batch", __name__)

    @blueprint.route("/batch", methods=["POST"])
    @blueprint.arguments(Batch)
    @blueprint.response(200, NoFields)
    def take(_batch: dict[str, object]) -> dict[str, object]:
        return {}

    app = create_app(gateway=gateway)
    app.register_blueprint(blueprint)
    client = app.test_client()
    bad = b'{"items": [{"amount": "1"}, {"amount": "-1"}, {"amount": 2, "id": 1}], "x": 1}'
    body = client.post("/batch", data=bad).get_json()
    assert set(body["errors"]) == {"items.1.amount", "items.2.id", "x"}
    assert "items.1.amount" in body["detail"]
    assert client.post("/batch", data=b"").get_json()["errors"] == {
        "items": ["This field is required. Send it."]
    }
    assert client.post("/batch", data=b"[]").get_json()["errors"] == {"body": ["Send a JSON object."]}
