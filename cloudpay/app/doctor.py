"""What is wrong with this gateway, and what to do about it: every check says one sentence."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from cloudpay.app.start import close_gateway, current_revision, open_gateway
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.kernel.errors import CloudPayError
from cloudpay.kernel.settings import Settings
from cloudpay.transactions.control import frozen_networks
from cloudpay.wallets.limits import read_ceilings
from cloudpay.wallets.sealing import KeySource, key_source
from cloudpay.wallets.setup import key_families, wallet

_REDIS_SECONDS = 3
_MOST_AT_ONCE = 16
_NOT_APP_KEY = 0o137  # the two users of a gateway may read it by their group, and nobody else
_NOT_SEAL_KEY = 0o177


@dataclass(frozen=True)
class Finding:
    """One check: `ok` is None where there is nothing wrong but something to know."""

    subject: str
    ok: bool | None
    says: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Check everything, the slow nodes last and side by side."""
    try:
        gateway = open_gateway(settings, process="doctor")
    except CloudPayError as error:
        yield Finding("start", False, error.message)
        return
    try:
        yield Finding("settings", True, f"{len(settings.networks)} networks, data in {settings.data_path}.")
        yield from _files(settings)
        yield _guard("database", lambda: _database(gateway))
        yield _redis(settings)
        yield from _wallet(gateway)
        yield from _address(gateway)
        yield from _sending(gateway)
        yield from _nodes(gateway)
    finally:
        close_gateway(gateway)


def _files(settings: Settings) -> Iterator[Finding]:
    yield from _key_file(settings.app_key_path, _NOT_APP_KEY)
    if settings.seal_key == "file":
        yield from _key_file(settings.seal_key_path, _NOT_SEAL_KEY)
        return
    yield from _key_file(settings.wrapped_key_path, _NOT_SEAL_KEY)
    source = key_source(settings)
    if source.reachable():
        yield _guard("keys", partial(_decrypted, source))


def _decrypted(source: KeySource) -> Finding:
    source.load()
    return Finding("keys", True, f"The seal key comes from {source.describe()}.")


def _key_file(path: Path, forbidden: int) -> Iterator[Finding]:
    """Say who else may read a key; one that this user cannot even see is as safe from it as it can be."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    except PermissionError:
        yield Finding("keys", True, f"{path} is out of this user's reach.")
        return
    if mode & forbidden:
        safe = 0o777 & ~forbidden & mode
        yield Finding("keys", False, f"{path} can be used by others, too. Run: chmod {safe:o} {path}")
    elif mode & 0o077:
        yield Finding("keys", True, f"{path} can be read by its owner and its group.")
    else:
        yield Finding("keys", True, f"{path} is this user's alone.")


def _database(gateway: Gateway) -> Finding:
    shown = gateway.db.engine.url.render_as_string(hide_password=True)
    return Finding("database", True, f"{shown} answers and is at revision {current_revision(gateway.db)}.")


def _redis(settings: Settings) -> Finding:
    if not settings.redis_url:
        return Finding("redis", None, "No redis_url: `cloudpay up` starts its own Valkey.")
    try:
        client = Redis.from_url(
            settings.redis_url,
            retry=None,
            socket_timeout=_REDIS_SECONDS,
            socket_connect_timeout=_REDIS_SECONDS,
        )
        client.ping()
    except (RedisError, ValueError, OSError) as error:
        return Finding(
            "redis",
            False,
            f"Redis does not answer ({error}). Start it, or correct redis_url; nothing is lost meanwhile.",
        )
    return Finding("redis", True, "Redis answers.")


def _wallet(gateway: Gateway) -> Iterator[Finding]:
    found = wallet(gateway)
    if found is None:
        yield Finding("wallet", False, "There is no wallet yet. Run `cloudpay wallet init`.")
        return
    for family in key_families(gateway):
        count = found.accounts.get(family.name, 0)
        says = f"{count} accounts of key family {family.name} (fingerprint {found.fingerprint})."
        fix = f"No account of key family {family.name} is derived yet. Run `cloudpay wallet accounts`."
        yield Finding("wallet", count > 0, says if count else fix)


def _address(gateway: Gateway) -> Iterator[Finding]:
    """Live money wants an address that payers can trust."""
    web = gateway.settings.web
    if any(network.live for network in gateway.chains) and urlsplit(web.url).scheme != "https":
        yield Finding(
            "web",
            None,
            f"Payers are sent to {web.url}, which is not https. Set public_url in [web] to your own address.",
        )


def _sending(gateway: Gateway) -> Iterator[Finding]:
    """Say what keeps payouts from going out: a freeze, or a signer that was not told how much it may sign."""
    for code, found in frozen_networks(gateway).items():
        yield Finding(
            "sending",
            False,
            f"{code} is frozen ({found.reason.rstrip('.')}). Run `cloudpay thaw` when it is explained.",
        )
    path = gateway.settings.signer_limits_path
    if not os.access(path.parent, os.X_OK):
        yield Finding("sending", True, f"{path} is out of this user's reach.")
        return
    for network in (each for each in gateway.chains if each.sends):
        yield _guard("sending", partial(_ceilings, path, network))


def _ceilings(path: Path, network: Network) -> Finding:
    ceilings = read_ceilings(path, network)
    if ceilings is None:
        return Finding(
            "sending", None, f"{network.code} is a test network: the signer has no ceilings for it."
        )
    return Finding("sending", True, f"The signer's ceilings for {network.code} are in {path}.")


def _nodes(gateway: Gateway) -> Iterator[Finding]:
    """Ask every node by itself: a network with one good node hides a bad one."""
    asked = [(network, url) for network in gateway.chains for url in network.settings.rpc_urls]
    if not asked:
        yield Finding("networks", False, "No network is configured. Add a table such as [networks.evm].")
        return
    with ThreadPoolExecutor(max_workers=_MOST_AT_ONCE) as pool:
        yield from pool.map(lambda pair: _node(*pair), asked)


def _node(network: Network, url: str) -> Finding:
    subject = f"{network.code} {_without_secret(url)}"
    return _guard(subject, lambda: _ask(network, url, subject))


def _ask(network: Network, url: str, subject: str) -> Finding:
    settings: Any = msgspec.structs.replace(network.settings, rpc_urls=(url,))
    adapter = network.definition.open(settings, network.code)
    try:
        adapter.verify()
        head = adapter.head()
        adapter.scan(None, 1, lambda _addresses: frozenset())
    finally:
        adapter.close()
    age = int(datetime.now(UTC).timestamp()) - head.latest.time
    if age > network.settings.stalled_after_seconds:
        return Finding(
            subject,
            False,
            f"Its newest block {head.latest.height} is {age} s old. Use another node, or wait until it has caught up.",
        )
    return Finding(
        subject,
        True,
        f"Right chain and decimals; block {head.latest.height}, {age} s old, final up to {head.final.height}.",
    )


def _guard(subject: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except CloudPayError as error:
        return Finding(subject, False, error.message)
    except DBAPIError as error:
        return Finding(subject, False, f"The database does not answer: {error.orig}. Check database_url.")
    except Exception as error:  # noqa: BLE001  # whatever a node does wrong is a finding
        return Finding(subject, False, f"It failed with {type(error).__name__}: {error}")


def _without_secret(url: str) -> str:
    """Show a node's host alone: its path or query often holds a key."""
    return urlsplit(url).netloc.rpartition("@")[2] or url
