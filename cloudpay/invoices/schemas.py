"""The shapes of invoices on the wire."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, pre_load, validate, validates_schema

from cloudpay.invoices.creation import NewInvoice
from cloudpay.invoices.service import Filters
from cloudpay.invoices.states import InvoiceException, InvoiceStatus, Priority
from cloudpay.kernel.fields import Amount, Instant, Line, Money, PageAnswer, PageQuery, StrictInteger

_STATUSES = [each.value for each in InvoiceStatus]
_EXCEPTIONS = [each.value for each in InvoiceException]
_PRIORITIES = [each.value for each in Priority]
_OPTIONAL_TEXTS = frozenset({"network", "callback_url", "priority"})
_OPTIONAL = _OPTIONAL_TEXTS | {"expiry_minutes"}


class NewInvoiceSchema(Schema):
    """What is asked for."""

    amount = Money(
        metadata={
            "description": "Amount in the currency. Required unless `totalusd` is set.",
            "example": "50.00",
        },
    )
    totalusd = Money(
        metadata={
            "description": "Value in US dollars; the amount is then calculated and frozen until expiry."
        }
    )
    currency = Line(20, required=True, metadata={"description": "Symbol, in any case.", "example": "USDT"})
    network = Line(
        40,
        shortest=0,
        allow_none=True,
        metadata={
            "description": "Network code, in any case; left out, empty or null: the default one.",
            "example": "evm",
        },
    )
    customer_name = Line(
        200, required=True, metadata={"description": "For identification.", "example": "John Doe"}
    )
    notification_emails = Line(
        2000,
        required=True,
        shortest=0,
        metadata={"description": "Comma-separated e-mail addresses or ids of notification channels."},
    )
    callback_url = Line(
        2048,
        shortest=0,
        allow_none=True,
        metadata={
            "description": "Called whenever the invoice's status changes; empty or null: nobody is.",
            "format": "uri",
            "example": "https://mysite.com/hook",
        },
    )
    priority = fields.String(
        load_default=Priority.MEDIUM.value,
        allow_none=True,
        validate=validate.OneOf(_PRIORITIES),
        metadata={"description": "Fee tier of what the gateway itself sends for this invoice."},
    )
    expiry_minutes = StrictInteger(
        allow_none=True,
        validate=validate.Range(1, 43_200),
        metadata={"description": "Minutes until it expires; left out: the merchant's setting, at first 60."},
    )

    @pre_load
    def _fold(self, data: Any, **_: Any) -> Any:
        """Take `priority` in any case; what is null, or an empty optional text, was left out."""
        if not isinstance(data, dict):
            return data
        kept = {
            key: value
            for key, value in data.items()
            if not ((value is None and key in _OPTIONAL) or (value == "" and key in _OPTIONAL_TEXTS))
        }
        if isinstance(kept.get("priority"), str):
            kept["priority"] = kept["priority"].lower()
        return kept

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def _one_amount(self, _data: dict[str, Any], sent: Any, **_: Any) -> None:
        """Look at what was sent: an amount that cannot be read is there all the same, and has its own sentence."""
        if isinstance(sent, dict) and ("amount" in sent) == ("totalusd" in sent):
            raise ValidationError("Send either `amount` or `totalusd`, exactly one of them.", "amount")

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> NewInvoice:
        return NewInvoice(
            amount=data.get("amount"),
            total_usd=data.get("totalusd"),
            currency=data["currency"],
            network=data.get("network"),
            customer_name=data["customer_name"],
            notification_emails=data["notification_emails"],
            callback_url=data.get("callback_url"),
            priority=Priority(data["priority"]),
            expiry_minutes=data.get("expiry_minutes"),
        )


class PaymentSchema(Schema):
    """One incoming transfer."""

    id = fields.String()
    status = fields.String()
    network = fields.String()
    currency = fields.String()
    amount = Amount(metadata={"description": "In the currency of this payment."})
    tx_hash = fields.String(allow_none=True)
    sender = fields.String(allow_none=True)
    confirmations = fields.Integer()
    confirmations_required = fields.Integer(allow_none=True)
    first_seen_at = fields.AwareDateTime()
    block_time = fields.AwareDateTime()


class PaymentOptionSchema(Schema):
    """One asset and amount in which the invoice may be paid."""

    network = fields.String()
    currency = fields.String()
    token_address = fields.String(allow_none=True)
    amount = Amount()
    address_in = fields.String()
    rate = Amount(
        allow_none=True, metadata={"description": "US dollars for one unit, where `totalusd` was sent."}
    )
    rate_source = fields.String(allow_none=True)
    quoted_at = fields.AwareDateTime(allow_none=True)


class BrowserPaymentSchema(Schema):
    """What a browser wallet must be asked."""

    method = fields.String()
    params = fields.Raw(metadata={"description": "The parameters of the wallet's JSON-RPC method."})


class InvoiceSchema(Schema):
    """An invoice."""

    id = fields.String(metadata={"example": "INV-01K9ZJ4S7Q2M8W3F5T6V7X8Y9A"})
    invoice_id = fields.String(metadata={"description": "The same as `id`, as webhooks name it."})
    status = fields.String(validate=validate.OneOf(_STATUSES))
    exception = fields.String(allow_none=True, validate=validate.OneOf(_EXCEPTIONS))
    livemode = fields.Boolean()
    amount = Amount()
    currency = fields.String()
    network = fields.String()
    address_in = fields.String(
        metadata={"description": "The deposit address that belongs to this invoice alone."}
    )
    received_amount = Amount(metadata={"description": "What was seen so far."})
    confirmed_amount = Amount(metadata={"description": "What of it is final."})
    tx_hash = fields.String(
        allow_none=True, metadata={"description": "The completing payment's transaction."}
    )
    totalusd = Amount(allow_none=True)
    payment_uri = fields.String(
        allow_none=True,
        metadata={"description": "What a wallet's camera reads; null when its network is no longer served."},
    )
    browser_payment = fields.Nested(BrowserPaymentSchema, allow_none=True)
    checkout_url = fields.String()
    qr_png_url = fields.String()
    qr_svg_url = fields.String()
    customer_name = fields.String()
    notification_emails = fields.String()
    callback_url = fields.String(allow_none=True)
    priority = fields.String(validate=validate.OneOf(_PRIORITIES))
    created_at = fields.AwareDateTime()
    expires_at = fields.AwareDateTime()
    paid_at = fields.AwareDateTime(allow_none=True)
    sequence = fields.Integer(
        metadata={
            "description": "Grows with every change; webhooks carry it, since their order is not promised."
        }
    )
    payment_options = fields.List(fields.Nested(PaymentOptionSchema))
    payments = fields.List(
        fields.Nested(PaymentSchema),
        metadata={
            "description": "At most 100, oldest first; of more the greatest, those that count before others."
        },
    )
    payments_total = fields.Integer(
        metadata={
            "description": "Payments in all; more than are listed where `payments` is cut. All of them count."
        }
    )
    warnings = fields.List(fields.String())


class InvoiceQuery(PageQuery):
    """Which invoices, and which page of them."""

    status = fields.String(validate=validate.OneOf(_STATUSES))
    exception = fields.String(validate=validate.OneOf(_EXCEPTIONS))
    currency = Line(20)
    network = Line(40)
    created_from = Instant(metadata={"description": "Created at or after this time (ISO 8601 with a zone)."})
    created_to = Instant(metadata={"description": "Created before this time."})

    @post_load
    def _gather(self, data: dict[str, Any], **options: Any) -> dict[str, Any]:
        filters: dict[str, Any] = super()._gather(data, **options)
        paging = filters.pop("paging")
        status = filters.pop("status", None)
        return {
            "paging": paging,
            "filters": Filters(status=InvoiceStatus(status) if status else None, **filters),
        }


class InvoicePage(PageAnswer):
    """A page of invoices."""

    items = fields.List(fields.Nested(InvoiceSchema))
