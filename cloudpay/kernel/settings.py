"""Every setting, typed, in one place: a TOML file, and `CLOUDPAY_*` variables that win over it.

`CLOUDPAY_WEB__PORT=9000` sets `port` in `[web]`; lists in variables are separated by commas.
"""

import base64
import os
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from cloudpay.kernel.errors import ConfigurationError
from cloudpay.kernel.money import AMOUNT_PATTERN

PREFIX = "CLOUDPAY_"
_NOT_SETTINGS = {"CONFIG", "FAILPOINTS", "TEST_DATABASE_URL", "TEST_POSTGRES_URL", "ANVIL"}

_LEAST_SECRET_BYTES = 24


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the settings file; an unknown key is an error, not a shrug."""


Table = TypeVar("Table", bound=Section)


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
    workers: Annotated[int, Meta(ge=1, description="Server processes.")] = 1
    threads: Annotated[
        int, Meta(ge=1, description="Requests that one server process works on at the same time.")
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
    per_address: Annotated[str, Meta(description="Requests from one client address.")] = "12000 per minute"
    failed_keys_per_address: Annotated[
        str, Meta(description="Requests with a bad key from one client address.")
    ] = "60 per minute"


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


class Log(Section, frozen=True, kw_only=True):
    """What the processes write to standard error."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="Least severe line that is written.")
    ] = "info"
    format: Annotated[
        Literal["console", "json"], Meta(description="`console` for people, `json` for machines.")
    ] = "console"


class Settings(Section, frozen=True, kw_only=True):
    """The whole configuration of one gateway."""

    data_dir: Annotated[
        str, Meta(description="Folder of the embedded database, the keys and Valkey's files.")
    ] = "cloudpay-data"
    database_url: Annotated[
        str, Meta(description="SQLAlchemy address; empty: SQLite in the data folder.")
    ] = ""
    redis_url: Annotated[
        str, Meta(description="Redis or Valkey address; empty: `cloudpay up` starts the bundled Valkey.")
    ] = ""
    app_key_file: Annotated[
        str,
        Meta(
            description="File with the key for webhook secrets and API key hashes; empty: `app.key` in the data folder."
        ),
    ] = ""
    seal_key_file: Annotated[
        str,
        Meta(
            description="File with the key that seals the wallet seed; empty: `seal.key` in the data folder."
        ),
    ] = ""
    default_network: Annotated[str, Meta(description="Network of a request that names none.")] = "evm"
    web: Annotated[Web, Meta(description="The HTTP server.")] = Web()
    invoices: Annotated[Invoices, Meta(description="Defaults of invoices.")] = Invoices()
    webhooks: Annotated[Webhooks, Meta(description="How merchants' endpoints are called.")] = Webhooks()
    retention: Annotated[Retention, Meta(description="How long what was done is kept.")] = Retention()
    leases: Annotated[Leases, Meta(description="When the work of a killed process is done again.")] = Leases()
    alerts: Annotated[Alerts, Meta(description="Who is told of what needs a look.")] = Alerts()
    limits: Annotated[Limits, Meta(description="Rate limits.")] = Limits()
    rates: Annotated[Rates, Meta(description="Prices in US dollars.")] = msgspec.field(default_factory=Rates)
    log: Annotated[Log, Meta(description="Logging.")] = Log()
    networks: Annotated[
        dict[str, dict[str, Any]],
        Meta(description="The networks to serve, by code; see the chain plugins' tables."),
    ] = msgspec.field(default_factory=dict)

    @property
    def data_path(self) -> Path:
        """The data folder."""
        return Path(self.data_dir).expanduser()

    @property
    def sql_url(self) -> str:
        """The database's address with the embedded default filled in."""
        return self.database_url or f"sqlite:///{self.data_path.absolute() / 'cloudpay.db'}"

    @property
    def app_key_path(self) -> Path:
        """Where the application key lies."""
        return Path(self.app_key_file).expanduser() if self.app_key_file else self.data_path / "app.key"

    @property
    def seal_key_path(self) -> Path:
        """Where the key that seals the seed lies."""
        return Path(self.seal_key_file).expanduser() if self.seal_key_file else self.data_path / "seal.key"


class InvalidSettings(ConfigurationError):
    """A key of the configuration is unknown, or its value does not fit."""

    code = "invalid_settings"


def load_settings(path: Path | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the file (given, named by CLOUDPAY_CONFIG, or ./cloudpay.toml where there is one) and the environment."""
    named = path or (Path(environment[f"{PREFIX}CONFIG"]) if f"{PREFIX}CONFIG" in environment else None)
    table: dict[str, Any] = {}
    source = named or Path("cloudpay.toml")
    if named is not None or source.exists():
        table = _read(source)
    _overlay(table, environment)
    return convert_settings(table, Settings, where=str(source))


def convert_settings(table: Mapping[str, Any], kind: type[Table], *, where: str) -> Table:
    """Turn a plain table into a typed section; raises `InvalidSettings` that names the key."""
    try:
        return msgspec.convert(table, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidSettings(
            f"The configuration ({where}) does not fit: {error}. See docs/reference/settings.md."
        ) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidSettings(f"The configuration file {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"The configuration file {path} is not valid TOML: {error}.") from error


def _overlay(table: dict[str, Any], environment: Mapping[str, str]) -> None:
    for name, value in sorted(environment.items()):
        if not name.startswith(PREFIX) or name.removeprefix(PREFIX) in _NOT_SETTINGS:
            continue
        *sections, key = name.removeprefix(PREFIX).lower().split("__")
        if "assets" in sections:
            raise InvalidSettings(
                f"The variable {name} names an asset, but capitals count in symbols and are lost in variables; "
                "set assets in the configuration file."
            )
        place = table
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise InvalidSettings(
                    f"The variable {name} names a key inside {section!r}, which is not a table."
                )
        parts = [part.strip() for part in value.split(",")]
        place[key] = [part for part in parts if part] if key.endswith("urls") else value
