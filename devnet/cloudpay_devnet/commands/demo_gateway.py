"""The demo's gateway before it runs: its settings, wallet, merchant and key."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudpay.app.migrate import upgrade
from cloudpay.app.start import close_gateway, current_revision, open_database, open_gateway
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.secrets import SealKey, read_or_create_key
from cloudpay.kernel.settings import Settings, load_settings
from cloudpay.merchants.keys import create_key
from cloudpay.merchants.service import create_merchant, webhook_secrets
from cloudpay.merchants.states import Scope
from cloudpay.wallets.masters import master_wallet
from cloudpay.wallets.setup import init_wallet, wallet
from cloudpay_devnet.commands.demo_file import Access
from cloudpay_devnet.errors import DevnetError
from cloudpay_devnet.networks import DevNetwork

SETTINGS_FILE = "cloudpay.toml"
_ACCESS_FILE = "access.json"
_ACTOR = "cli:demo"
_PRICES = {"USDT": "1.00", "ETH": "2500.00", "BNB": "600.00", "POL": "0.50", "TRX": "0.30"}
_LONGEST_POLL = 0.5
_ON_MAIN_NETS = {"USDC", "DAI", "WBTC", "BTCB", "USDD"}


@dataclass(frozen=True)
class Prepared:
    """What setting up a gateway for the demo gave."""

    access: Access
    master_wallets: Mapping[str, str]


def write_settings(
    data_dir: Path,
    networks: Mapping[str, DevNetwork],
    *,
    port: int,
    block_time: float,
    database_url: str = "",
    proxies: Mapping[str, Sequence[str]] | None = None,
) -> Path:
    """Write the settings file of the demo's gateway; other commands can be pointed at it by --config.

    With `proxies` the gateway sees each node through these addresses.
    """
    seen = {name: [each.rpc_url] for name, each in networks.items()} | dict(proxies or {})
    first = next(iter(networks))
    table: dict[str, Any] = {
        "data_dir": str(data_dir.absolute()),
        "database_url": database_url,
        "default_network": "evm" if "evm" in networks else first,
        "web": {"port": port},
        "webhooks": {"allow_private_targets": True},
        "rates": {"fixed": _PRICES},
        # Money is collected while somebody watches, a small invoice's too.
        "sweeps": {"every_seconds": 5, "fee_share_percent": "100"},
        "log": {"level": "warning"},
        "networks": {name: _network(each, seen[name], block_time) for name, each in networks.items()},
    }
    path = data_dir / SETTINGS_FILE
    path.write_text("\n".join(_toml(table)) + "\n", encoding="utf-8")
    return path


def prepare(settings_file: Path) -> Prepared:
    """Migrate the database; make the wallet, the merchant and its key where they are not there yet."""
    settings = load_settings(settings_file, {})
    if settings.database_url:
        _make_tables(settings)
    gateway = open_gateway(settings, process="demo")
    try:
        access = _access(gateway)
        wallets = {
            network.code: master_wallet(gateway, network, access.merchant_id).address
            for network in gateway.chains
        }
        return Prepared(access, wallets)
    finally:
        close_gateway(gateway)


class DatabaseInUse(DevnetError):
    """The database is not this demo's to use."""

    code = "database_in_use"


def _make_tables(settings: Settings) -> None:
    """Migrate a database server's database, which `open_gateway` leaves to a person; only an empty or our own one."""
    db = open_database(settings)
    try:
        if current_revision(db) is not None and not (settings.data_path / _ACCESS_FILE).exists():
            raise DatabaseInUse(
                "The database of --database-url is not empty. Name an empty one for the demo."
            )
        upgrade(db)
    finally:
        db.close()


def _access(gateway: Gateway) -> Access:
    """Answer the merchant and key of an earlier run in this folder, or make them."""
    if wallet(gateway) is None:
        init_wallet(gateway, SealKey(read_or_create_key(gateway.settings.seal_key_path)), actor=_ACTOR)
    base_url = gateway.settings.web.url
    kept = gateway.settings.data_path / _ACCESS_FILE
    if kept.exists():
        known = json.loads(kept.read_text())
        secret = webhook_secrets(gateway, known["merchant_id"])[0]
        return Access(base_url, known["merchant_id"], known["api_key"], secret)
    natives = {network.code: network.native.symbol for network in gateway.chains}
    merchant = create_merchant(gateway, "Demo shop", livemode=False, payout_currencies=natives, actor=_ACTOR)
    key = create_key(gateway, merchant.id, name="demo", scopes=[*Scope], actor=_ACTOR)
    kept.touch(mode=0o600)
    kept.write_text(json.dumps({"merchant_id": merchant.id, "api_key": key.secret}))
    return Access(base_url, merchant.id, key.secret, webhook_secrets(gateway, merchant.id)[0])


def _network(network: DevNetwork, rpc_urls: Sequence[str], block_time: float) -> dict[str, Any]:
    listed: dict[str, Any] = {
        symbol: {"decimals": asset.decimals} | _contract(asset.token_address)
        for symbol, asset in network.assets.items()
    }
    return {
        "name": f"{network.name} (development)",
        "live": False,
        **network.settings,
        "rpc_urls": list(rpc_urls),
        "confirmations": network.confirmations,
        "block_seconds": block_time,
        "poll_seconds": min(_LONGEST_POLL, block_time / 2),
        "assets": {**_left_out(network), **listed},
    }


def _contract(token_address: str | None) -> dict[str, str]:
    return {} if token_address is None else {"contract": token_address}


def _left_out(network: DevNetwork) -> dict[str, bool]:
    """Name the main net's assets that a development chain does not have."""
    return dict.fromkeys(sorted(_ON_MAIN_NETS - set(network.assets)), False)


def _toml(table: Mapping[str, Any], path: Sequence[str] = ()) -> Iterator[str]:
    """Write plain tables: JSON's strings, numbers, booleans and lists are TOML's too."""
    if path:
        yield f"[{'.'.join(path)}]"
    yield from (f"{key} = {json.dumps(value)}" for key, value in table.items() if not isinstance(value, dict))
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _toml(value, (*path, key))
