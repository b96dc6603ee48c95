"""The fields that API schemas share: exact money, bounded lines of text, pages."""

import re
from datetime import UTC
from decimal import Decimal
from typing import Any, ClassVar

from marshmallow import Schema, ValidationError, fields, post_load, validate

from cloudpay.kernel.money import AMOUNT_PATTERN
from cloudpay.kernel.paging import MAX_LIMIT, MAX_PAGE, Paging
from cloudpay.kernel.text import line_problem

MONEY_PATTERN = r"^(?=.*[1-9])[0-9]{1,20}(\.[0-9]{1,18})?$"
AMOUNT_TEXT = r"^[0-9]+(\.[0-9]+)?$"
_LINE_PATTERN = "^[^\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]*$"
_ADVICE = (
    'Write a plain decimal such as "10.50": at most 20 digits before the point and 18 after it, nothing else.'
)
_MAX_EXPONENT = 40  # a number beyond it cannot match the pattern, and would be long to write out


class Money(fields.Field[Decimal]):
    """A positive amount in a request: a decimal string, or a JSON number read exactly."""

    def __init__(self, **kwargs: Any) -> None:
        bounds = {"pattern": MONEY_PATTERN, "exclusiveMinimum": 0, "exclusiveMaximum": 10**20}
        either = {"type": ["string", "number"], **bounds, "example": "10.50"}
        super().__init__(metadata={**either, **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Decimal:
        text = value if isinstance(value, str) else _number_text(value)
        if text is None or AMOUNT_PATTERN.fullmatch(text) is None:
            raise ValidationError(_ADVICE)
        amount = Decimal(text)
        if not amount:
            raise ValidationError("Write an amount of more than zero.")
        return amount


class Amount(fields.String):
    """An amount in an answer: a decimal string, perhaps zero."""

    def __init__(self, **kwargs: Any) -> None:
        written = {"format": "decimal", "pattern": AMOUNT_TEXT}
        super().__init__(metadata={**written, **kwargs.pop("metadata", {})}, **kwargs)

    def _serialize(self, value: Decimal | str | None, *_: Any, **__: Any) -> str | None:
        return f"{value:f}" if isinstance(value, Decimal) else value


def _number_text(value: Any) -> str | None:
    """Write a JSON number without its exponent; None for what is none, or is out of all bounds."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    if number.is_signed() or not abs(number.adjusted()) <= _MAX_EXPONENT:
        return None
    exponent = number.as_tuple().exponent
    return f"{number:f}" if isinstance(exponent, int) and exponent >= -_MAX_EXPONENT else None


class Line(fields.String):
    """One line of text, kept as it was sent: bounded, and without control characters."""

    def __init__(self, longest: int = 200, *, shortest: int = 1, **kwargs: Any) -> None:
        super().__init__(validate=self._check, **kwargs)
        self.longest, self.shortest = longest, shortest
        bounds = {"minLength": shortest, "maxLength": longest, "pattern": _LINE_PATTERN}
        self.metadata = {**bounds, **self.metadata}

    def _check(self, value: str) -> None:
        problem = line_problem(value, self.longest, self.shortest)
        if problem:
            raise ValidationError(problem)


class Flag(fields.Boolean):
    """A JSON true or false, and nothing that a language takes for one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Switch(fields.Boolean):
    """`true` or `false` in a query."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(truthy={"true"}, falsy={"false"}, **kwargs)


class StrictInteger(fields.Integer):
    """A whole number of plain ASCII digits, or a whole JSON number; bounded before it is converted."""

    _LONGEST: ClassVar[int] = 18  # digits
    _DIGITS: ClassVar[re.Pattern[str]] = re.compile(rf"[0-9]{{1,{_LONGEST}}}", re.ASCII)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = value if isinstance(value, str) else self._written(value)
        if text is None or self._DIGITS.fullmatch(text) is None:
            raise ValidationError("Write a whole number.")
        return super()._deserialize(text, attr, data, **kwargs)

    @classmethod
    def _written(cls, value: Any) -> str | None:
        """Write a JSON number as digits: `60.0` is whole, too; None for what is none, or out of all bounds."""
        if isinstance(value, Decimal) and 0 <= value.adjusted() < cls._LONGEST and value == int(value):
            return str(int(value))
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


class Instant(fields.AwareDateTime):
    """A time with its zone, answered in UTC; one that falls out of the calendar there is refused."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        moment = super()._deserialize(value, attr, data, **kwargs)
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE) from None


class PageQuery(Schema):
    """The query of a paged list; loads as {"paging": Paging, …the filters of the subclass}."""

    page = StrictInteger(
        load_default=1,
        validate=validate.Range(1, MAX_PAGE),
        metadata={"description": "Which page, counted from 1."},
    )
    limit = StrictInteger(
        load_default=20,
        validate=validate.Range(1, MAX_LIMIT),
        metadata={"description": "Items on a page at most."},
    )
    anchor = Line(
        40,
        metadata={
            "description": "The `anchor` that the first page answered: later pages do not shift when new items come in."
        },
    )

    @post_load
    def _gather(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        paging = Paging(data.pop("page"), data.pop("limit"), data.pop("anchor", None))
        return {"paging": paging, **data}


class PageAnswer(Schema):
    """What every paged list answers beside its `items`; the fields are those of `kernel.paging.Page`."""

    page = fields.Integer(metadata={"description": "This page."})
    limit = fields.Integer(metadata={"description": "Items on a page at most."})
    more = fields.Boolean(metadata={"description": "Whether a further page holds anything."})
    anchor = fields.String(
        allow_none=True,
        metadata={"description": "Send it with later pages, so that new items shift nothing."},
    )


class NoFields(Schema):
    """The body of a request that takes none: an empty object, or nothing at all."""
