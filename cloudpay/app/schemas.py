"""Schemas of the API as a whole: the problem, and the webhooks that merchants receive."""

from marshmallow import INCLUDE, Schema, fields

from cloudpay.kernel.fields import Amount


class Problem(Schema):
    """What every refused request is answered (RFC 9457)."""

    type = fields.String(metadata={"description": "`urn:cloudpay:problem:` and the code."})
    title = fields.String(metadata={"description": "What kind of problem it is."})
    status = fields.Integer(metadata={"description": "The HTTP status."})
    detail = fields.String(metadata={"description": "What is wrong, and what to do."})
    code = fields.String(
        metadata={"description": "A stable name to program against.", "example": "invalid_request"}
    )
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "What is wrong by field, as a path such as `items.0.amount`."},
    )
    instance = fields.String(metadata={"description": "The path that was asked for."})
    request_id = fields.String(metadata={"description": "Name it when you ask for help."})


class InvoiceChanged(Schema):
    """The body of a webhook: frozen when the invoice changed, the same at every attempt."""

    class Meta:
        """More keys may come."""

        unknown = INCLUDE

    status = fields.String(required=True, metadata={"example": "paid"})
    invoice_id = fields.String(required=True, metadata={"example": "INV-123"})
    amount = Amount(required=True, metadata={"example": "10.00"})
    currency = fields.String(required=True, metadata={"example": "USDT"})
    tx_hash = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "example": "0xabc...",
            "description": "The transaction that completed the invoice, or null.",
        },
    )
    address_in = fields.String(required=True, metadata={"example": "0xwallet..."})
    received_amount = Amount(required=True, metadata={"example": "10.00", "description": "May be 0.00."})
    confirmed_amount = Amount(metadata={"example": "10.00", "description": "What of it is final."})
    network = fields.String(metadata={"example": "evm"})
    exception = fields.String(
        allow_none=True, metadata={"description": "`underpaid`, `overpaid`, `late`, or null."}
    )
    type = fields.String(metadata={"example": "invoice.paid", "description": "`invoice.` and the status."})
    livemode = fields.Boolean(metadata={"description": "False on test networks."})
    sequence = fields.Integer(
        metadata={
            "description": "Counts the changes of one invoice from 1: a lower one that comes later is old."
        }
    )


class PayoutChanged(Schema):
    """The body of a payout's webhook."""

    class Meta:
        """More keys may come."""

        unknown = INCLUDE

    status = fields.String(required=True, metadata={"example": "confirmed"})
    id = fields.String(required=True, metadata={"description": "Your own id.", "example": "REF_001"})
    payout_id = fields.String(required=True, metadata={"example": "po_01K9ZJ4S7Q2M8W3F5T6V7X8Y9A"})
    batch_id = fields.String(required=True)
    amount = Amount(required=True, metadata={"example": "100.00"})
    currency = fields.String(required=True, metadata={"example": "USDT"})
    network = fields.String(required=True, metadata={"example": "evm"})
    address = fields.String(required=True)
    tx_hash = fields.String(required=True, allow_none=True, metadata={"example": "0xabc..."})
    fee = Amount(required=True, allow_none=True, metadata={"description": "What the chain took."})
    fee_currency = fields.String(required=True, allow_none=True, metadata={"example": "ETH"})
    reason = fields.String(required=True, allow_none=True, metadata={"description": "Why it has failed."})
    type = fields.String(metadata={"example": "payout.confirmed"})
    livemode = fields.Boolean(metadata={"description": "False on test networks."})
    timestamp = fields.AwareDateTime()


class BatchCompleted(Schema):
    """The body of the webhook of a batch whose payouts have all ended."""

    class Meta:
        """More keys may come."""

        unknown = INCLUDE

    status = fields.String(required=True, metadata={"example": "completed"})
    batch_id = fields.String(required=True, metadata={"example": "bat_01K9ZJ4S7Q2M8W3F5T6V7X8Y9A"})
    count = fields.Integer(required=True, metadata={"description": "How many payouts it had."})
    cancelled = fields.Integer(required=True)
    confirmed = fields.Integer(required=True)
    failed = fields.Integer(required=True)
    type = fields.String(metadata={"example": "batch.completed"})
    livemode = fields.Boolean(metadata={"description": "False on test networks."})
    timestamp = fields.AwareDateTime()
