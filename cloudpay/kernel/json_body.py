"""Reading JSON from strangers: exact numbers, no duplicate keys, bounded depth, text that a database can hold."""

import json
import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, ClassVar, NoReturn

from cloudpay.kernel.errors import CloudPayError

MAX_DEPTH = 32
MAX_KEYS = 100  # of one object; none of the API comes near it
_MAX_NUMBER = 100  # characters
_SURROGATE = re.compile("[\ud800-\udfff]")
# A text that does not end runs to the end of the body, so that no body is looked at twice.
_TEXT_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)


class MalformedBody(CloudPayError):
    """The request's body is not JSON that can be used."""

    code: ClassVar[str] = "malformed_body"
    http_status: ClassVar[int] = 400
    title: ClassVar[str] = "The body is not usable JSON"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The body cannot be read: {reason}")


def parse_json(body: bytes) -> Any:
    """Read JSON text; numbers with a point or an exponent come as `Decimal`. Raises `MalformedBody`."""
    try:
        text = body.removeprefix(BOM_UTF8).decode()
        _check_nesting(text)
        value = _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise MalformedBody("send it as UTF-8.") from error
    except json.JSONDecodeError as error:
        raise MalformedBody(
            f"it is not JSON ({error.msg}, line {error.lineno}, column {error.colno}). Send one JSON object."
        ) from error
    # Only an escape can write what no database stores: UTF-8 has no halves of pairs, and JSON no bare NUL.
    for part in _texts(value) if "\\u" in text else ():
        _check_text(part)
    return value


_TOO_DEEP = f"it is nested more than {MAX_DEPTH} levels deep. Send a flatter object."


def _check_nesting(text: str) -> None:
    """Refuse a deep body before it is parsed: the parser's recursion must not depend on the interpreter's limit.

    A library may raise that limit (py_ecc does, which web3 brings along), and the parser then overruns its stack.
    """
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    open_now = 0
    for found in _TEXT_OR_BRACKET.finditer(text):
        if found[0] in "[{":
            open_now += 1
            if open_now > MAX_DEPTH:
                raise MalformedBody(_TOO_DEEP)
        elif found[0] in "]}":
            open_now -= 1


def _exact(text: str) -> Decimal:
    _check_length(text)
    return Decimal(text)


def _integer(text: str) -> int:
    _check_length(text)
    return int(text)


def _check_length(text: str) -> None:
    if len(text) > _MAX_NUMBER:
        raise MalformedBody(f"a number has more than {_MAX_NUMBER} characters. Send a shorter one.")


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedBody(f"{name} is not a JSON number. Send digits.")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counted = Counter(name for name, _ in pairs)  # one pass, however many keys there are
        twice = next(name for name, times in counted.items() if times > 1)
        raise MalformedBody(f"the key {twice[:40]!r} is there twice. Send each key once.")
    if len(found) > MAX_KEYS:  # each unknown one would be answered with a sentence of its own
        raise MalformedBody(f"an object has more than {MAX_KEYS} keys. Leave out what the API does not know.")
    return found


def _texts(value: Any) -> Iterator[str]:
    """Answer every text and key, without recursion."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            waiting.extend(part)
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _check_text(text: str) -> None:
    """NUL and lone surrogates can be written as escapes, but no database stores them."""
    if "\x00" in text or _SURROGATE.search(text):
        raise MalformedBody(
            "a text holds a character that cannot be stored (NUL or half of a pair). Leave it out."
        )


_DECODER = json.JSONDecoder(
    parse_float=_exact,
    parse_int=_integer,
    parse_constant=_refuse_constant,
    object_pairs_hook=_without_duplicates,
)
