"""The blueprint that every API route hangs on: strict bodies and query strings, whatever their content type says."""

from collections.abc import Callable
from typing import Any, TypeVar

import flask_smorest  # type: ignore[import-untyped]  # it ships no types; what we use is typed below
import marshmallow as ma
from flask import Request, g, request
from webargs import missing
from webargs.flaskparser import FlaskParser

from cloudpay.kernel.body import read_body
from cloudpay.kernel.json_body import parse_json

View = TypeVar("View")
Schema = ma.Schema | type[ma.Schema]
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def read_json() -> Any:
    """Answer the current request's JSON body, read once; `missing` when it is empty.

    The content type is not looked at: the published curl line sends JSON as a form. Raises `MalformedBody` and
    `BodyTooSlow`.
    """
    if "json_body" not in g:
        body = read_body(request)
        g.json_body = parse_json(body) if body.strip() else missing
    return g.json_body


def read_file() -> bytes:
    """Answer the current request's body as it was sent, read once; raises `MalformedBody` and `BodyTooSlow`."""
    if "file_body" not in g:
        g.file_body = read_body(request)
    found: bytes = g.file_body
    return found


class StrictParser(FlaskParser):
    """Reads bodies by `read_json`, and refuses fields and query parameters that the schema does not know."""

    DEFAULT_UNKNOWN_BY_LOCATION = {  # noqa: RUF012  # declared by the parser, as it is
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "json": ma.RAISE,
        "query": ma.RAISE,
    }

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        """Answer the body; an empty one stands for an object without fields."""
        body = read_json()
        return {} if body is missing else body


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]  # as above
    """A blueprint whose arguments are read strictly; the decorators are smorest's, with types."""

    ARGUMENTS_PARSER = StrictParser()

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register a view function or a `MethodView` class."""
        decorator: Callable[[View], View] = super().route(rule, **options)
        return decorator

    def arguments(self, schema: Schema, **options: Any) -> Decorator:
        """Load the body (or `location="query"`) by a schema and pass it on as the view's next argument."""
        made = schema() if isinstance(schema, type) else schema  # once, not at every request
        decorator: Decorator = super().arguments(made, **options)
        return decorator

    def response(self, status_code: int, schema: Schema | None = None, **options: Any) -> Decorator:
        """Dump what the view answers by a schema."""
        decorator: Decorator = super().response(status_code, schema, **options)
        return decorator

    def alt_response(self, status_code: int, **options: Any) -> Decorator:
        """Document another answer."""
        decorator: Decorator = super().alt_response(status_code, **options)
        return decorator

    @staticmethod
    def doc(**words: object) -> Decorator:
        """Add to the operation's documentation."""
        decorator: Decorator = flask_smorest.Blueprint.doc(**words)
        return decorator
