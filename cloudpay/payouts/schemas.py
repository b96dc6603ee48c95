"""The shapes of payouts on the wire."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, post_load, pre_load, validate

from cloudpay.chains.spending import FeeTier
from cloudpay.kernel.fields import Amount, Flag, Instant, Line, Money, PageAnswer, PageQuery, Switch
from cloudpay.payouts.service import Filters
from cloudpay.payouts.states import BatchStatus, PayoutStatus
from cloudpay.payouts.views import NewBatch, NewItem

MOST_ITEMS = 10_000

_STATUSES = [each.value for each in PayoutStatus]
_TIERS = [each.value for each in FeeTier]
_AT_ONCE = "True: it goes out at once, inside the limits. False: it waits until it is confirmed."
_DRY_RUN = (
    "Answer what would be accepted, with fees and totals, and whether it would go out or wait, and for whom; keep and "
    "send nothing."
)
_OPTIONAL = ("network", "currency", "priority", "memo", "callback_url")


class _Folded(Schema):
    """Takes codes in any case, and an empty optional text as one that was left out."""

    @pre_load
    def _fold(self, data: Any, **_: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        kept = {key: value for key, value in data.items() if value not in ("", None) or key not in _OPTIONAL}
        if isinstance(kept.get("priority"), str):
            kept["priority"] = kept["priority"].lower()
        return kept


def _network(said: str) -> fields.Field[str]:
    return Line(
        40, metadata={"description": f"Network code, in any case; left out: {said}", "example": "evm"}
    )


def _currency(said: str) -> fields.Field[str]:
    return Line(20, metadata={"description": f"Symbol, in any case; left out: {said}", "example": "USDT"})


def _priority(said: str) -> fields.Field[str]:
    return fields.String(
        validate=validate.OneOf(_TIERS), metadata={"description": f"Fee tier; left out: {said}"}
    )


def _callback_url() -> fields.Field[str]:
    words = "Called when a payout is confirmed or has failed, and when all of a batch has ended."
    return Line(2048, metadata={"description": words, "format": "uri", "example": "https://mysite.com/hook"})


def _auto_confirm() -> fields.Field[bool]:
    return Flag(load_default=False, metadata={"description": _AT_ONCE})


class NewItemSchema(_Folded):
    """One payout."""

    address = Line(200, required=True, metadata={"example": "0x742d35Cc6634C0532925a3b844Bc454e4438f44e"})
    amount = Money(required=True, metadata={"description": "Amount in the currency.", "example": "100"})
    id = Line(
        200,
        required=True,
        metadata={
            "description": "Your own id: it is used for ever, and never paid twice.",
            "example": "REF_001",
        },
    )
    network = _network("the batch's, else the only enabled one whose addresses look like this one.")
    currency = _currency("the batch's, else your payout currency on that network.")
    priority = _priority("the batch's, else `medium`.")
    memo = Line(500, metadata={"description": "A note of your own; it is sent nowhere."})

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        return _item(data)


class NewBatchSchema(_Folded):
    """Payouts that are accepted together or not at all."""

    auto_confirm = _auto_confirm()
    items = fields.List(fields.Nested(NewItemSchema), required=True, validate=validate.Length(1, MOST_ITEMS))
    network = _network("each item's own.")
    currency = _currency("each item's own.")
    priority = _priority("each item's own.")
    callback_url = _callback_url()
    dry_run = Flag(
        load_default=False,
        metadata={"description": _DRY_RUN},
    )

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> NewBatch:
        return NewBatch(
            items=tuple(data["items"]),
            auto_confirm=data["auto_confirm"],
            callback_url=data.get("callback_url"),
            dry_run=data["dry_run"],
            **_codes(data),
        )


class FileQuery(_Folded):
    """What holds for all payouts of a file."""

    auto_confirm = Switch(load_default=False, metadata={"description": _AT_ONCE})
    dry_run = Switch(load_default=False, metadata={"description": _DRY_RUN})
    network = _network("each line's own.")
    currency = _currency("each line's own.")
    priority = _priority("each line's own.")
    callback_url = _callback_url()


class NewPayoutSchema(NewItemSchema):
    """One payout, alone."""

    auto_confirm = _auto_confirm()
    callback_url = _callback_url()

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> NewBatch:
        return NewBatch(
            items=(_item(data),),
            auto_confirm=data["auto_confirm"],
            callback_url=data.get("callback_url"),
            single=True,
        )


def _item(data: dict[str, Any]) -> NewItem:
    return NewItem(data["id"], data["address"], data["amount"], memo=data.get("memo"), **_codes(data))


def _codes(data: dict[str, Any]) -> dict[str, Any]:
    network, currency, tier = data.get("network"), data.get("currency"), data.get("priority")
    return {
        "network": network and network.lower(),
        "currency": currency and currency.upper(),
        "tier": tier and FeeTier(tier),
    }


class PayoutSchema(Schema):
    """A payout."""

    id = fields.String(metadata={"description": "Your own id.", "example": "REF_001"})
    payout_id = fields.String(
        allow_none=True,
        metadata={"description": "Our id; null in a dry run.", "example": "po_01K9ZJ4S7Q2M8W3F5T6V7X8Y9A"},
    )
    batch_id = fields.String(allow_none=True, metadata={"description": "Null in a dry run."})
    status = fields.String(validate=validate.OneOf(_STATUSES))
    livemode = fields.Boolean()
    address = fields.String()
    amount = Amount()
    currency = fields.String()
    network = fields.String()
    token_address = fields.String(allow_none=True)
    priority = fields.String(validate=validate.OneOf(_TIERS))
    memo = fields.String(allow_none=True)
    fee_reserved = Amount(allow_none=True, metadata={"description": "What is reserved for the fee at most."})
    fee = Amount(allow_none=True, metadata={"description": "What the chain took, once that is final."})
    fee_currency = fields.String(allow_none=True)
    tx_hash = fields.String(allow_none=True)
    reason = fields.String(allow_none=True, metadata={"description": "Why it waits, or has failed."})
    created_at = fields.AwareDateTime()
    queued_at = fields.AwareDateTime(allow_none=True, metadata={"description": "When it was confirmed."})
    ended_at = fields.AwareDateTime(allow_none=True)


class TotalSchema(Schema):
    """What a batch moves of one asset."""

    network = fields.String()
    currency = fields.String()
    token_address = fields.String(allow_none=True)
    count = fields.Integer()
    amount = Amount()
    fee_reserved = Amount(allow_none=True)
    fee_currency = fields.String(allow_none=True)


class FundsSchema(Schema):
    """What a batch needs of one asset, fees included, and what of it is free in the master wallet."""

    network = fields.String()
    currency = fields.String()
    token_address = fields.String(allow_none=True)
    needed = Amount()
    available = Amount()
    covered = fields.Boolean()


class BatchSchema(Schema):
    """A batch of payouts."""

    batch_id = fields.String(
        allow_none=True,
        metadata={"description": "Null in a dry run.", "example": "bat_01K9ZJ4S7Q2M8W3F5T6V7X8Y9A"},
    )
    status = fields.String(validate=validate.OneOf([each.value for each in BatchStatus]))
    livemode = fields.Boolean()
    auto_confirm = fields.Boolean()
    approvals_needed = fields.Integer(
        metadata={
            "description": "How many users must agree before it goes out; 0: a key may confirm it, while it stays "
            "inside the threshold with what went out that day."
        }
    )
    callback_url = fields.String(allow_none=True)
    dry_run = fields.Boolean()
    count = fields.Integer()
    created_at = fields.AwareDateTime()
    completed_at = fields.AwareDateTime(allow_none=True)
    totals = fields.List(fields.Nested(TotalSchema))
    funds = fields.List(
        fields.Nested(FundsSchema),
        allow_none=True,
        metadata={"description": "Only in a dry run; else null."},
    )
    items = fields.List(
        fields.Nested(PayoutSchema), metadata={"description": "In the order in which they were sent."}
    )


class PayoutQuery(PageQuery):
    """Which payouts, and which page of them."""

    status = fields.String(validate=validate.OneOf(_STATUSES))
    network = Line(40)
    currency = Line(20)
    external_id = Line(200, metadata={"description": "Your own id."})
    batch_id = Line(40)
    created_from = Instant(metadata={"description": "Created at or after this time (ISO 8601 with a zone)."})
    created_to = Instant(metadata={"description": "Created before this time."})

    @post_load
    def _gather(self, data: dict[str, Any], **options: Any) -> dict[str, Any]:
        filters: dict[str, Any] = super()._gather(data, **options)
        paging = filters.pop("paging")
        status = filters.pop("status", None)
        wanted = Filters(status=PayoutStatus(status) if status else None, **filters)
        return {"paging": paging, "filters": wanted}


class PayoutPage(PageAnswer):
    """A page of payouts."""

    items = fields.List(fields.Nested(PayoutSchema))
