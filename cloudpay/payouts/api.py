"""The routes of payouts."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

from flask import Response, request
from marshmallow import Schema

from cloudpay.chains.gateway import current
from cloudpay.kernel.fields import NoFields
from cloudpay.kernel.http import Blueprint, read_file
from cloudpay.kernel.paging import Paging
from cloudpay.merchants.auth import principal, requires
from cloudpay.merchants.web import answer_json, idempotency_key, respond
from cloudpay.payouts import creation, service
from cloudpay.payouts.decisions import Decision, decide_batch, decide_payout
from cloudpay.payouts.export import TABLE, csv_text
from cloudpay.payouts.rendering import (
    batch_text,
    page_text,
    payout_answer,
    payout_text,
    preview_text,
    single_text,
)
from cloudpay.payouts.schemas import (
    BatchSchema,
    FileQuery,
    NewBatchSchema,
    NewPayoutSchema,
    PayoutPage,
    PayoutQuery,
    PayoutSchema,
)
from cloudpay.payouts.table import FILE_BODY, FileInForm, read_table
from cloudpay.payouts.views import NewBatch

blueprint = Blueprint(
    "payouts", __name__, url_prefix="/api", description="Pay from your master wallet, one by one or in bulk."
)
WRITE, READ = "payouts:write", "read"
_CSV = "text/csv"
Decide = TypeVar("Decide", bound=Callable[..., Response])


@blueprint.route("/user/payouts/bulk/api", methods=["POST"])
@requires(WRITE)
@blueprint.arguments(NewBatchSchema)
@blueprint.alt_response(201, schema=BatchSchema)
@blueprint.alt_response(200, schema=BatchSchema)
def create_batch(new: NewBatch) -> Response:
    """Send up to 10,000 payouts

    All are accepted or none; the same batch sent again gets its first answer. A dry run is answered with 200.
    """
    gateway = current()
    render, preview = partial(batch_text, gateway), partial(preview_text, gateway)
    return respond(creation.create(gateway, principal(), new, idempotency_key(), render, preview))


@blueprint.route("/user/payouts/bulk/csv", methods=["POST"])
@requires(WRITE, read=read_file)
@blueprint.arguments(FileQuery, location="query")
@blueprint.doc(requestBody=FILE_BODY)
@blueprint.alt_response(201, schema=BatchSchema)
@blueprint.alt_response(200, schema=BatchSchema)
def create_batch_from_file(options: dict[str, Any]) -> Response:
    """Send up to 10,000 payouts of a CSV file

    The body is the file itself: its first line names the columns `id`, `address` and `amount`, and any of `network`,
    `currency`, `priority` and `memo`. All else is as with a batch in JSON; one batch in both forms is sent once.
    """
    if request.mimetype == "multipart/form-data":
        raise FileInForm
    gateway, key = current(), idempotency_key()
    render, preview = partial(batch_text, gateway), partial(preview_text, gateway)
    return respond(
        creation.create(gateway, principal(), read_table(read_file(), options), key, render, preview)
    )


@blueprint.route("/payout", methods=["POST"])
@requires(WRITE)
@blueprint.arguments(NewPayoutSchema)
@blueprint.alt_response(201, schema=PayoutSchema)
def create_payout(new: NewBatch) -> Response:
    """Send one payout"""
    gateway = current()
    render, preview = partial(single_text, gateway), partial(preview_text, gateway)
    return respond(creation.create(gateway, principal(), new, idempotency_key(), render, preview))


@blueprint.route("/payout/history", methods=["GET"])
@requires(READ, WRITE)
@blueprint.arguments(PayoutQuery, location="query")
@blueprint.alt_response(200, schema=PayoutPage)
@blueprint.doc(responses={200: {"content": {_CSV: TABLE}}})
def list_payouts(query: dict[str, Any]) -> Response:
    """List payouts, newest first

    With `Accept: text/csv` all of them that the filters let through, as a table.
    """
    gateway, who = current(), principal()
    filters: service.Filters = query["filters"]
    paging: Paging = query["paging"]
    if request.accept_mimetypes.best_match(["application/json", _CSV]) == _CSV:
        answers = (payout_answer(gateway, each) for each in service.export(gateway, who, filters))
        named = {"Content-Disposition": 'attachment; filename="payouts.csv"'}
        return Response(csv_text(answers), mimetype=_CSV, headers=named)
    return answer_json(page_text(gateway, service.history(gateway, who, filters, paging)))


@blueprint.route("/payout/<payout_id>", methods=["GET"])
@requires(READ, WRITE)
@blueprint.alt_response(200, schema=PayoutSchema)
def get_payout(payout_id: str) -> Response:
    """Get a payout"""
    gateway = current()
    return answer_json(payout_text(gateway, service.get(gateway, principal(), payout_id)))


@blueprint.route("/payout/batch/<batch_id>", methods=["GET"])
@requires(READ, WRITE)
@blueprint.alt_response(200, schema=BatchSchema)
def get_batch(batch_id: str) -> Response:
    """Get a batch with its payouts"""
    gateway = current()
    return answer_json(batch_text(gateway, service.get_batch(gateway, principal(), batch_id)))


def _deciding(path: str, schema: type[Schema]) -> Callable[[Decide], Decide]:
    """Route a decision: nothing but an empty body is sent, and what was decided about is answered."""

    def route(view: Decide) -> Decide:
        answered = blueprint.alt_response(200, schema=schema)(view)
        guarded = requires(WRITE)(blueprint.arguments(NoFields)(answered))
        return cast("Decide", blueprint.route(path, methods=["POST"])(guarded))

    return route


@_deciding("/payout/<payout_id>/confirm", PayoutSchema)
def confirm_payout(_body: dict[str, Any], payout_id: str) -> Response:
    """Let a payout that waits go out"""
    return _decide_payout(Decision.CONFIRM, payout_id)


@_deciding("/payout/<payout_id>/cancel", PayoutSchema)
def cancel_payout(_body: dict[str, Any], payout_id: str) -> Response:
    """Take a payout back that is not signed yet"""
    return _decide_payout(Decision.CANCEL, payout_id)


@_deciding("/payout/batch/<batch_id>/confirm", BatchSchema)
def confirm_batch(_body: dict[str, Any], batch_id: str) -> Response:
    """Let all that waits in a batch go out"""
    return _decide_batch(Decision.CONFIRM, batch_id)


@_deciding("/payout/batch/<batch_id>/cancel", BatchSchema)
def cancel_batch(_body: dict[str, Any], batch_id: str) -> Response:
    """Take back all of a batch that is not signed yet"""
    return _decide_batch(Decision.CANCEL, batch_id)


def _decide_payout(decision: Decision, payout_id: str) -> Response:
    gateway = current()
    render = partial(payout_text, gateway)
    return respond(decide_payout(gateway, principal(), decision, payout_id, idempotency_key(), render))


def _decide_batch(decision: Decision, batch_id: str) -> Response:
    gateway = current()
    render = partial(batch_text, gateway)
    return respond(decide_batch(gateway, principal(), decision, batch_id, idempotency_key(), render))
