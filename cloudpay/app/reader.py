"""`/api/openapi.json`, and a reader for people at `/api/docs` whose every asset is served from here."""

from importlib.resources import files

from flask import Blueprint, Response, current_app, jsonify, send_from_directory
from werkzeug.exceptions import NotFound

from cloudpay.app.openapi import document

blueprint = Blueprint("reader", __name__, url_prefix="/api")

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ASSETS = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>CloudPay API</title>
<link rel="icon" href="/api/docs/favicon-32x32.png">
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
</head>
<body>
<noscript>This reader needs JavaScript; the document is <a href="/api/openapi.json">openapi.json</a>.</noscript>
<div id="reader"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</body>
</html>
"""

_START = """\
SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#reader",
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
  defaultModelsExpandDepth: 0,
});
"""


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Answer the OpenAPI document."""
    return jsonify(document(current_app))


@blueprint.get("/docs")
def page() -> Response:
    """Answer the reader."""
    response = Response(_PAGE, mimetype="text/html")
    response.headers["Content-Security-Policy"] = _POLICY
    return response


@blueprint.get("/docs/start.js")
def start() -> Response:
    """Answer the script that starts the reader; a script inside the page would need a weaker policy."""
    return Response(_START, mimetype="text/javascript")


@blueprint.get("/docs/<name>")
def asset(name: str) -> Response:
    """Answer one of the reader's own files, from the package that ships them."""
    if name not in _ASSETS:
        raise NotFound
    response = send_from_directory(str(files("flask_swagger_ui") / "dist"), name, max_age=86_400)
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response
