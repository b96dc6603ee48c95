"""Checks of what operators type."""

from cloudpay.kernel.text import line_problem
from cloudpay.merchants.errors import InvalidField


def check_line(field: str, text: str, longest: int) -> None:
    """Raise `InvalidField` unless the text is one bounded line without control characters."""
    problem = line_problem(text, longest)
    if problem:
        raise InvalidField(field, f"The {field} cannot be used: {problem[0].lower()}{problem[1:]}")
