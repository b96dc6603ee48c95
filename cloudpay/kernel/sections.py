"""The tables of the settings file, each with its keys, their types, bounds and meaning."""

import base64
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from cloudpay.kernel.money import AMOUNT_PATTERN

_LEAST_SECRET_BYTES = 24
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the settings file; an unknown key is an error, not a shrug."""


def _is_webhook_secret(text: str) -> bool:
    """Say whether a text is a secret as Standard Webhooks writes it."""
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        return False
    return text.startswith("whsec_") and len(key) >= _LEAST_SECRET_BYTES


class Web(Section, frozen=True, kw_only=True):
    """The HTTP server."""

    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535, description="Port to listen on.")] = 8000
    workers: Annotated[int, Meta(ge=1, description="Server processes: one for each core at most.")] = 1
    threads: Annotated[
        int,
        Meta(
            ge=1,
            description="Requests that one server process works on at the same time; with several processes 2 "
            "answer more than 4.",
        ),
    ] = 4
    backlog: Annotated[int, Meta(ge=128, description="Connections that may wait to be accepted.")] = 1024
    public_url: Annotated[
        str,
        Meta(
            description="The gateway's address as payers and merchants see it; empty: made from host and port."
        ),
    ] = ""
    trusted_proxies: Annotated[
        int, Meta(ge=0, description="Reverse proxies in front whose X-Forwarded-For is believed.")
    ] = 0
    max_body_bytes: Annotated[int, Meta(ge=1024, description="Largest request body.")] = 8_388_608

    @property
    def url(self) -> str:
        """The gateway's own address, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


class Invoices(Section, frozen=True, kw_only=True):
    """Defaults of invoices; a merchant or a call may choose otherwise."""

    expiry_minutes: Annotated[
        int, Meta(ge=1, le=43_200, description="Minutes until an unpaid invoice expires.")
    ] = 60


class Webhooks(Section, frozen=True, kw_only=True):
    """How merchants' endpoints are called."""

    allow_private_targets: Annotated[
        bool, Meta(description="Allow loopback and private addresses, for development only.")
    ] = False
    timeout_seconds: Annotated[int, Meta(ge=1, le=15, description="Longest time that one call may take.")] = (
        15
    )
    concurrency: Annotated[
        int, Meta(ge=1, le=256, description="Calls under way at the same time in one worker.")
    ] = 32


class Leases(Section, frozen=True, kw_only=True):
    """How long work stays claimed by a process that was killed, until another one does it."""

    events_seconds: Annotated[
        float, Meta(ge=0.2, description="Seconds until events that a killed process had taken are handed on.")
    ] = 20.0
    webhooks_seconds: Annotated[
        float,
        Meta(
            ge=0.2,
            description="Seconds beyond the longest call until a webhook that a killed process was sending goes again.",
        ),
    ] = 10.0


class Retention(Section, frozen=True, kw_only=True):
    """How long is kept what only tells of work that was done; invoices, payments and bookings stay for ever."""

    events_days: Annotated[
        int, Meta(ge=1, description="Days that events are kept after they were handled.")
    ] = 7
    webhooks_days: Annotated[
        int,
        Meta(
            ge=7,
            description="Days that webhooks are kept, to look at and to send again, after their last attempt.",
        ),
    ] = 90


class Alerts(Section, frozen=True, kw_only=True):
    """Where whoever runs the gateway hears of what needs a look."""

    url: Annotated[
        str,
        Meta(
            description="Address that is called when an alert opens or clears; empty: `cloudpay alerts` and the log "
            "only. It is yours, so it may be a private one."
        ),
    ] = ""
    secret: Annotated[
        str,
        Meta(
            description="What those calls are signed with, by Standard Webhooks: `whsec_` and 32 random bytes in "
            "Base64; needed with `url`."
        ),
    ] = ""

    def __post_init__(self) -> None:
        """Refuse an address without a secret: whoever receives an alert must be able to tell who sent it."""
        if self.url and not self.secret:
            raise ValueError("alerts.url needs alerts.secret, which its calls are signed with")
        if self.secret and not _is_webhook_secret(self.secret):
            raise ValueError("alerts.secret is not `whsec_` followed by at least 24 bytes in Base64")


class Limits(Section, frozen=True, kw_only=True):
    """Rate limits, as `COUNT per PERIOD`; a key may carry its own."""

    per_key: Annotated[str, Meta(description="Requests of one API key.")] = "6000 per minute"
    per_address: Annotated[
        str, Meta(description="Requests from one client address; of IPv6, from one /64.")
    ] = "12000 per minute"
    failed_keys_per_address: Annotated[
        str, Meta(description="Requests with a bad key from one client address.")
    ] = "60 per minute"


class AwsKms(Section, frozen=True, kw_only=True):
    """The key in AWS KMS that encrypts the seal key, where `seal_key` says so."""

    key_id: Annotated[
        str,
        Meta(description="The key's ARN, id or alias; read when the seal key is made, and kept beside it."),
    ] = ""
    region: Annotated[str, Meta(description="The key's region; empty: that of its ARN.")] = ""
    endpoint_url: Annotated[
        str,
        Meta(
            description="Where KMS answers, as a VPC endpoint does; empty: AWS's own address in the region."
        ),
    ] = ""

    def __post_init__(self) -> None:
        """Refuse an address where the opened key would come in clear text."""
        url = urlsplit(self.endpoint_url)
        if self.endpoint_url and url.scheme != "https" and url.hostname not in _LOOPBACK:
            raise ValueError(
                f"aws_kms.endpoint_url must begin with https://, and {self.endpoint_url!r} does not"
            )


class Rates(Section, frozen=True, kw_only=True):
    """Prices in US dollars for `totalusd`."""

    fixed: Annotated[
        dict[str, str | int | float],
        Meta(description="US dollars for one unit, by symbol, as decimal strings."),
    ] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a bad price when the configuration is read, not at the first invoice that needs it."""
        self.prices  # noqa: B018

    @property
    def prices(self) -> Mapping[str, Decimal]:
        """Prices by symbol in capitals; raises ValueError that names the key."""
        found: dict[str, Decimal] = {}
        for symbol, price in self.fixed.items():
            key = f"rates.fixed.{symbol}"
            if isinstance(price, float):  # 0.1 in a file is not 0.1 in binary
                raise ValueError(  # noqa: TRY004  # msgspec turns both into its own error
                    f'{key} must be in quotes, as "{price}", so that it is read exactly'
                )
            if AMOUNT_PATTERN.fullmatch(str(price)) is None or not Decimal(price):
                raise ValueError(f'{key} must be a positive decimal such as "65000.50", not {price!r}')
            if symbol.upper() in found:
                raise ValueError(f"{key} is there twice, in capitals and in small letters")
            found[symbol.upper()] = Decimal(price)
        return found


class Reconcile(Section, frozen=True, kw_only=True):
    """How often the ledger is held against the chains."""

    every_minutes: Annotated[
        int,
        Meta(
            ge=0,
            description="Minutes from one comparison of ledger and chain to the next; 0: `cloudpay reconcile` alone.",
        ),
    ] = 60


class Sweeps(Section, frozen=True, kw_only=True):
    """When what was paid is collected from deposit addresses into the master wallet."""

    enabled: Annotated[
        bool, Meta(description="Collect by itself; without it only `cloudpay sweep` collects.")
    ] = True
    every_seconds: Annotated[
        int, Meta(ge=1, description="Seconds after which money at a deposit address is collected.")
    ] = 3600
    fee_share_percent: Annotated[
        str,
        Meta(
            description="Largest fee, the top-up's own included, as a share of what is collected; what costs more "
            "is left."
        ),
    ] = "5"
    address_above_usd: Annotated[
        str, Meta(description="US dollars at one address from which it is collected at once; empty: never.")
    ] = ""
    merchant_above_usd: Annotated[
        str,
        Meta(
            description="US dollars at all deposit addresses of a merchant on one network from which they are "
            "collected at once; empty: never."
        ),
    ] = ""

    def __post_init__(self) -> None:
        """Refuse a bad number when the configuration is read."""
        for name in ("fee_share_percent", "address_above_usd", "merchant_above_usd"):
            text = getattr(self, name)
            if (text or name == "fee_share_percent") and AMOUNT_PATTERN.fullmatch(text) is None:
                raise ValueError(f'sweeps.{name} must be a decimal such as "5" or "1000.50", not {text!r}')


class Log(Section, frozen=True, kw_only=True):
    """What the processes write to standard error."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="Least severe line that is written.")
    ] = "info"
    format: Annotated[
        Literal["console", "json"], Meta(description="`console` for people, `json` for machines.")
    ] = "console"
