"""Rate limits by API key and by client address; counted in Redis, and in memory while Redis is away."""

import time
from collections.abc import Collection
from typing import Any

from flask import Flask, request
from flask_limiter import Limiter
from flask_limiter.errors import RateLimitExceeded
from limits import parse_many

from cloudpay.kernel.settings import InvalidSettings, Limits, Settings
from cloudpay.merchants.principal import Principal

_EXTENSION = "cloudpay.limits"
_PRINCIPAL = "cloudpay.principal"
_REDIS = {
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.5,
    "retry": None,
}  # a stall must not hold requests up


class RateLimits:
    """The limits of one application; the endpoints named `unlimited` are not counted."""

    def __init__(self, app: Flask, settings: Settings, unlimited: Collection[str] = ()) -> None:
        limits = settings.limits
        _check(limits)
        options: dict[str, Any] = _REDIS if settings.redis_url else {}
        self._limiter = Limiter(
            client_address,
            application_limits=[limits.per_address],
            storage_uri=_storage(settings.redis_url),
            storage_options=options,
            in_memory_fallback_enabled=True,
            key_prefix="cloudpay",
        )
        shared = self._limiter.shared_limit
        self._count_key = shared(lambda: _key_limit(limits.per_key), "api-key", key_func=_key_id)(_nothing)
        self._count_failure = shared(limits.failed_keys_per_address, "failed-key", key_func=client_address)(
            _no_key
        )
        self._limiter.request_filter(lambda: request.endpoint in unlimited)
        self._limiter.init_app(app)
        app.extensions[_EXTENSION] = self

    @staticmethod
    def of(app: Flask) -> "RateLimits":
        """Answer the limits of an application."""
        limits: RateLimits = app.extensions[_EXTENSION]
        return limits

    def count_key(self, principal: Principal) -> None:
        """Count a request of a valid key; raises 429 when the key has had too many."""
        request.environ[_PRINCIPAL] = principal
        self._count_key()

    def count_failure(self) -> None:
        """Count a request with a bad key; raises 429 when its address has had too many."""
        self._count_failure()

    def seconds_left(self, exceeded: RateLimitExceeded) -> int:
        """Answer after how many seconds a request may be tried again, at most."""
        longest = exceeded.limit.limit.get_expiry()
        current = self._limiter.current_limit
        if current is None:
            return longest
        try:
            return min(longest, max(1, int(current.reset_at - time.time()) + 1))
        except (
            self._limiter.storage.base_exceptions
        ):  # Redis went away since; the whole window is never too short
            return longest


def _check(limits: Limits) -> None:
    """A limit that cannot be read would be no limit; raises `InvalidSettings`."""
    for name in ("per_key", "per_address", "failed_keys_per_address"):
        try:
            parse_many(getattr(limits, name))
        except ValueError as error:
            raise InvalidSettings(
                f"limits.{name} is {getattr(limits, name)!r}, which cannot be read; write it as `100 per minute`."
            ) from error


def _storage(redis_url: str) -> str:
    """Answer the address as the limits library writes it; it names a Unix socket otherwise than Redis clients do."""
    if redis_url.startswith("unix:"):
        return f"redis+{redis_url}"
    return redis_url or "memory://"


def client_address() -> str:
    """Answer the address that the request came from; forwarded ones only as `web.trusted_proxies` allows."""
    return (request.remote_addr or "").removeprefix("::ffff:")


def _key_limit(default: str) -> str:
    """Answer the key's own limit; it is also asked for before the key is known, and not counted then."""
    principal: Principal | None = request.environ.get(_PRINCIPAL)
    return (principal.rate_limit if principal else None) or default


def _key_id() -> str:
    principal: Principal = request.environ[_PRINCIPAL]
    return principal.key_id


def _nothing() -> None:
    """What is limited by key: the request itself goes on elsewhere."""


def _no_key() -> None:
    """What is limited by failures; apart from `_nothing`, since limits are kept by function name."""
