"""The signer's own ceilings, in a file beside the seal key: no database and no dashboard can raise them."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from cloudpay.chains.network import Network
from cloudpay.kernel.errors import CloudPayError, Unavailable
from cloudpay.kernel.money import parse_amount, parse_decimal, to_base_units
from cloudpay.kernel.sections import Section


class LimitsMissing(Unavailable):
    """Real money was to be signed for, and nobody has said how much at most."""

    code: ClassVar[str] = "signer_limits_missing"

    def __init__(self, path: Path, network: str) -> None:
        super().__init__(
            f"{path} has no table [networks.{network}], so nothing is signed on that network. Run "
            "`cloudpay wallet limits` where the seal key lies, and fill in how much may be sent."
        )
        self.network = network


class InvalidLimits(Unavailable):
    """The signer's file cannot be read, so nothing is signed."""

    code: ClassVar[str] = "signer_limits_invalid"

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} does not fit: {reason}. Correct it; nothing is signed meanwhile.")
        self.reason = reason


class AssetCeiling(Section, frozen=True, kw_only=True):
    """How much of one asset may be sent."""

    per_transaction: Annotated[str, Meta(description="Largest amount of one transaction.")]
    per_day: Annotated[str, Meta(description="Largest sum of one day, from midnight UTC.")]


class NetworkTable(Section, frozen=True, kw_only=True):
    """The ceilings of one network; an asset that is not named is not sent."""

    max_fee: Annotated[str, Meta(description="Largest fee of one transaction; empty: `fee_cap` alone.")] = ""
    recipients: Annotated[
        tuple[str, ...], Meta(description="Addresses that may be paid; none: every address.")
    ] = ()
    assets: Annotated[dict[str, AssetCeiling], Meta(description="Ceilings by symbol.")] = msgspec.field(
        default_factory=dict
    )


class LimitsFile(Section, frozen=True, kw_only=True):
    """The whole file."""

    networks: dict[str, NetworkTable] = msgspec.field(default_factory=dict)


@dataclass(frozen=True)
class Ceiling:
    """How much of one asset may be sent, in base units."""

    per_transaction: int
    per_day: int


@dataclass(frozen=True)
class Ceilings:
    """What may be signed on one network; `recipients` empty: anybody may be paid."""

    max_fee: int | None
    recipients: frozenset[str]
    assets: Mapping[str, Ceiling]


def read_ceilings(path: Path, network: Network) -> Ceilings | None:
    """Answer the ceilings of a network; None where a test network has none.

    Raises `LimitsMissing` for a live one without, and `InvalidLimits`.
    """
    table = _read(path).networks.get(network.code)
    if table is None:
        if network.live:
            raise LimitsMissing(path, network.code)
        return None
    try:
        return _ceilings(table, network)
    except CloudPayError as error:
        raise InvalidLimits(path, error.message.rstrip(".")) from error


def limits_template(networks: Iterable[Network]) -> str:
    """Answer a file for these networks that lets nothing out yet, with what each line means."""
    parts = [_HEAD]
    for network in networks:
        parts.append(f"\n[networks.{network.code}]\n")
        parts.append(
            f'max_fee = "{network.settings.fee_cap}"  # {network.native.symbol} for one transaction\n'
        )
        parts.append("recipients = []  # addresses that may be paid; none listed: every address\n")
        for asset in network.assets:
            parts.append(f"\n[networks.{network.code}.assets.{asset.symbol}]\n")
            parts.append('per_transaction = "0"\nper_day = "0"  # from midnight UTC\n')
    return "".join(parts)


_HEAD = """\
# What the signer may sign at most. Only whoever can write this file can raise it: neither the database, nor an API
# key, nor the dashboard. A network with real money that is not named here is not signed for; an asset that is not named
# under its network is not sent. "0" means nothing. Changes hold from the next transaction on.
"""


def _read(path: Path) -> LimitsFile:
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), LimitsFile)
    except FileNotFoundError:
        return LimitsFile()
    except OSError as error:
        raise InvalidLimits(path, f"it cannot be read ({error.strerror})") from error
    except (msgspec.ValidationError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidLimits(path, str(error)) from error


def _ceilings(table: NetworkTable, network: Network) -> Ceilings:
    assets = {network.asset(symbol): ceiling for symbol, ceiling in table.assets.items()}
    return Ceilings(
        max_fee=parse_amount(table.max_fee, network.native.decimals) if table.max_fee else None,
        recipients=frozenset(network.addresses.parse(text) for text in table.recipients),
        assets={
            asset.key: Ceiling(
                to_base_units(parse_decimal(ceiling.per_transaction), asset.decimals),
                to_base_units(parse_decimal(ceiling.per_day), asset.decimals),
            )
            for asset, ceiling in assets.items()
        },
    )
