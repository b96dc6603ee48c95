"""Rate limits by API key and by client address."""

import ipaddress
from collections.abc import Collection
from functools import lru_cache

from flask import Flask, request
from limits import RateLimitItem, parse_many
from werkzeug.exceptions import TooManyRequests

from cloudpay.kernel.sections import Limits
from cloudpay.kernel.settings import InvalidSettings, Settings
from cloudpay.merchants.counting import HitCounter
from cloudpay.merchants.principal import Principal

_EXTENSION = "cloudpay.limits"


class RateLimited(TooManyRequests):
    """A limit is used up; `seconds` from now a request may be tried again, at the latest."""

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.seconds = seconds


class RateLimits:
    """The limits of one application; the endpoints named `unlimited` are not counted."""

    def __init__(self, app: Flask, settings: Settings, unlimited: Collection[str] = ()) -> None:
        _check(settings.limits)
        self._limits, self._unlimited = settings.limits, frozenset(unlimited)
        self._counter = HitCounter(settings.redis_url)
        app.before_request(self._count_address)
        app.extensions[_EXTENSION] = self

    @staticmethod
    def of(app: Flask) -> "RateLimits":
        """Answer the limits of an application."""
        limits: RateLimits = app.extensions[_EXTENSION]
        return limits

    def count_key(self, principal: Principal) -> None:
        """Count a request of a valid key; raises `RateLimited` when the key has had too many."""
        self._count(principal.rate_limit or self._limits.per_key, "api-key", principal.key_id)

    def count_failure(self) -> None:
        """Count a request with a bad key; raises `RateLimited` when its address has had too many."""
        self._count(self._limits.failed_keys_per_address, "failed-key", _counted(client_address()))

    def _count_address(self) -> None:
        if request.endpoint not in self._unlimited:
            self._count(self._limits.per_address, "address", _counted(client_address()))

    def _count(self, limit: str, *who: str) -> None:
        wait = self._counter.exceeded(_parse(limit), "cloudpay", *who)
        if wait is not None:
            raise RateLimited(wait)


@lru_cache(maxsize=1024)
def _parse(limit: str) -> tuple[RateLimitItem, ...]:
    return tuple(parse_many(limit))


_ONE_CUSTOMER = 64
"""Bits of an IPv6 address that say whose it is: one customer has all that begin with them (RFC 6177)."""


@lru_cache(maxsize=1024)
def _counted(address: str) -> str:
    """Answer what a client's requests are counted by; of IPv6 a network, since its addresses are nobody's limit."""
    if ":" not in address:
        return address
    try:
        network = ipaddress.ip_network((address.partition("%")[0], _ONE_CUSTOMER), strict=False)
    except ValueError:
        return address
    return str(network)


def _check(limits: Limits) -> None:
    """A limit that cannot be read would be no limit; raises `InvalidSettings`."""
    for name in ("per_key", "per_address", "failed_keys_per_address"):
        try:
            _parse(getattr(limits, name))
        except ValueError as error:
            raise InvalidSettings(
                f"limits.{name} is {getattr(limits, name)!r}, which cannot be read; write it as `100 per minute`."
            ) from error


def client_address() -> str:
    """Answer the address that the request came from; forwarded ones only as `web.trusted_proxies` allows."""
    return (request.remote_addr or "").removeprefix("::ffff:")
