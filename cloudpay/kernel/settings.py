"""Every setting, typed, in one place: a TOML file, and `CLOUDPAY_*` variables that win over it.

`CLOUDPAY_WEB__PORT=9000` sets `port` in `[web]`; lists in variables are separated by commas.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from cloudpay.kernel.errors import ConfigurationError
from cloudpay.kernel.sections import (
    Alerts,
    AwsKms,
    Invoices,
    Leases,
    Limits,
    Log,
    Rates,
    Retention,
    Section,
    Web,
    Webhooks,
)

PREFIX = "CLOUDPAY_"
_NOT_SETTINGS = {"CONFIG", "FAILPOINTS", "TEST_DATABASE_URL", "TEST_POSTGRES_URL", "ANVIL"}

Table = TypeVar("Table", bound=Section)


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
    seal_key: Annotated[
        Literal["file", "aws-kms"],
        Meta(
            description="Where the key that seals the wallet seed comes from: a file, or AWS KMS, which decrypts it."
        ),
    ] = "file"
    seal_key_file: Annotated[
        str,
        Meta(
            description="File with the key that seals the wallet seed; empty: `seal.key` in the data folder."
        ),
    ] = ""
    signer_limits_file: Annotated[
        str,
        Meta(
            description="File with the ceilings that the signer holds every transaction against; empty: `signer.toml` "
            "beside the seal key."
        ),
    ] = ""
    default_network: Annotated[str, Meta(description="Network of a request that names none.")] = "evm"
    aws_kms: Annotated[AwsKms, Meta(description="The key in AWS KMS, where the seal key is there.")] = (
        AwsKms()
    )
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

    @property
    def wrapped_key_path(self) -> Path:
        """Where the seal key lies as a key management service has encrypted it."""
        return self.seal_key_path.with_name(f"{self.seal_key_path.name}.kms")

    @property
    def signer_limits_path(self) -> Path:
        """Where the signer's own ceilings lie."""
        if self.signer_limits_file:
            return Path(self.signer_limits_file).expanduser()
        return self.seal_key_path.parent / "signer.toml"

    @property
    def journal_path(self) -> Path:
        """Where the ids of everything that was signed are written down, apart from the database."""
        return self.data_path / "signed.journal"


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
