"""Who a request acts for: the API key in its headers, its scopes, its address list."""

import ipaddress
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import current_app, g, request

from cloudpay.chains.gateway import current
from cloudpay.kernel.errors import Unauthenticated
from cloudpay.kernel.http import read_json
from cloudpay.merchants.errors import AddressNotAllowed, NoKey, OtherMerchant, ScopeMissing
from cloudpay.merchants.keys import authenticate
from cloudpay.merchants.limits import RateLimits, client_address
from cloudpay.merchants.principal import Principal

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


def requires(
    *scopes: str, read: Callable[[], object] = read_json
) -> Callable[[Callable[Parameters, Answer]], Callable[Parameters, Answer]]:
    """Let a view run only for a valid key that has at least one of these scopes.

    It stands directly below `@blueprint.route`, so that nothing of a stranger's request is parsed.
    `read` reads the body of all others: one that is no JSON object is refused by routes that take no body, too.
    """

    def decorate(view: Callable[Parameters, Answer]) -> Callable[Parameters, Answer]:
        @wraps(view)
        def guarded(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
            g.principal = _identify(scopes)
            read()
            return view(*args, **kwargs)

        return guarded

    return decorate


def principal() -> Principal:
    """Answer who the current request acts for; only inside a view that `requires` a key."""
    found: Principal = g.principal
    return found


def _identify(scopes: tuple[str, ...]) -> Principal:
    limits = RateLimits.of(current_app)
    try:
        found = _check_key()
    except Unauthenticated:
        limits.count_failure()
        raise
    _check_address(found)
    limits.count_key(found)
    if not found.may(*scopes):
        raise ScopeMissing(scopes[0])
    return found


def _check_key() -> Principal:
    secret = request.headers.get("x-api-key", "")
    if not secret:
        raise NoKey
    found = authenticate(current(), secret)
    named = request.headers.get(
        "merchant-id", ""
    ).strip()  # WSGI writes merchant_id and merchant-id the same way
    if named and named != found.merchant_id:
        raise OtherMerchant
    return found


def _check_address(found: Principal) -> None:
    if not found.addresses:
        return
    address = client_address()
    try:
        came_from = ipaddress.ip_address(address)
    except ValueError as error:
        raise AddressNotAllowed(address) from error
    if not any(came_from in ipaddress.ip_network(each) for each in found.addresses):
        raise AddressNotAllowed(address)
