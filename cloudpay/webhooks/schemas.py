"""What the webhook routes read and answer."""

from marshmallow import Schema, fields

from cloudpay.kernel.fields import Line, PageAnswer, PageQuery
from cloudpay.webhooks.states import DeliveryStatus


class DeliveryQuery(PageQuery):
    """The filters of the list of deliveries."""

    status = fields.Enum(
        DeliveryStatus,
        by_value=True,
        metadata={"description": "Only deliveries in this state."},
    )
    invoice_id = Line(40, metadata={"description": "Only deliveries about this invoice."})


class DeliveryAnswer(Schema):
    """One event on its way to one URL."""

    id = fields.String(metadata={"example": "whd_01K9ZQ4T5B8Y4D5W3N9D3VQ6MB"})
    event_id = fields.String(
        metadata={"description": "The header `webhook-id`: the same at every attempt and redelivery."}
    )
    event_type = fields.String(metadata={"example": "invoice.paid"})
    livemode = fields.Boolean()
    invoice_id = fields.String(allow_none=True)
    url = fields.String()
    status = fields.Enum(
        DeliveryStatus,
        by_value=True,
        metadata={
            "description": "`pending` and `sending` go on by themselves; `succeeded`, `failed` (given up), `gone` "
            "(the endpoint answered 410) and `blocked` (its address may not be called) stay until it is redelivered."
        },
    )
    attempt_count = fields.Integer(metadata={"description": "Calls so far, over all redeliveries."})
    next_attempt_at = fields.AwareDateTime(allow_none=True)
    last_status_code = fields.Integer(allow_none=True)
    last_error = fields.String(allow_none=True)
    created_at = fields.AwareDateTime()
    finished_at = fields.AwareDateTime(allow_none=True)


class DeliveryPage(PageAnswer):
    """A page of deliveries, newest first."""

    items = fields.List(fields.Nested(DeliveryAnswer))


class AttemptAnswer(Schema):
    """One call to the endpoint."""

    number = fields.Integer()
    series = fields.Integer(metadata={"description": "1, and one more with each redelivery."})
    started_at = fields.AwareDateTime()
    duration_ms = fields.Integer(allow_none=True)
    status_code = fields.Integer(allow_none=True)
    error = fields.String(allow_none=True)
    answer = fields.String(metadata={"description": "The first characters of what the endpoint answered."})


class DeliveryDetailsAnswer(DeliveryAnswer):
    """One delivery with its body and its attempts."""

    body = fields.String(metadata={"description": "What is sent, byte for byte, at every attempt."})
    attempts = fields.List(fields.Nested(AttemptAnswer), metadata={"description": "Oldest first."})
