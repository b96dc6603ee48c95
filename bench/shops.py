"""A gateway with a wallet, a merchant and a key, ready to be measured; and as many open invoices as wanted."""

import contextlib
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, make_url, text
from sqlalchemy.orm import Session

from cloudpay.app.migrate import upgrade
from cloudpay.app.start import close_gateway, open_gateway
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Asset
from cloudpay.chains.registry import Chains
from cloudpay.invoices.models import InvoiceRow, PaymentOptionRow
from cloudpay.kernel.db import Database
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.secrets import SealKey, read_or_create_key
from cloudpay.kernel.settings import load_settings
from cloudpay.merchants.keys import create_key
from cloudpay.merchants.principal import Principal
from cloudpay.merchants.service import create_merchant
from cloudpay.merchants.states import Scope
from cloudpay.payments.models import NativeWatchRow
from cloudpay.wallets.models import DepositAddressRow
from cloudpay.wallets.setup import init_wallet
from cloudpay_tron.forms import PREFIX, written

_ACTOR = "cli:bench"
_CHUNK = 2_000
UNLIMITED = "6000000 per minute"
"""So that the rate limits are counted, as they always are, and never reached."""


@dataclass(frozen=True)
class Shop:
    """One merchant of one gateway."""

    gateway: Gateway
    merchant_id: str
    api_key: str
    principal: Principal

    @property
    def headers(self) -> dict[str, str]:
        """What its requests carry."""
        return {
            "x-api-key": self.api_key,
            "merchant-id": self.merchant_id,
            "Content-Type": "application/json",
        }


def write_settings(data: Path, networks: Mapping[str, Any], **keys: Any) -> Path:
    """Write the settings file of a gateway whose limits no benchmark reaches."""
    limits = {"per_key": UNLIMITED, "per_address": UNLIMITED}
    whole = {
        "data_dir": str(data),
        "default_network": next(iter(networks)),
        "limits": limits,
        "log": {"level": "error"},
        **keys,
        "networks": networks,
    }
    path = data / "cloudpay.toml"
    path.write_text("\n".join(_toml(whole, ())) + "\n", encoding="utf-8")
    return path


@contextlib.contextmanager
def database(server: str | None) -> Iterator[str]:
    """The URL of a migrated database of this benchmark's own on a server; empty for SQLite in the data folder."""
    if server is None:
        yield ""
        return
    name = f"bench_{secrets.token_hex(6)}"
    maker = Database(server)
    with maker.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    maker.close()
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    made = Database(url)
    upgrade(made)
    made.close()
    yield url  # it goes with its server


@contextlib.contextmanager
def open_shop(settings_file: Path, chains: Chains | None = None) -> Iterator[Shop]:
    """Open the gateway of a settings file, perhaps over other chains, and make its wallet, merchant and key."""
    gateway = open_gateway(load_settings(settings_file, {}), process="bench")
    if chains is not None:
        gateway = replace(gateway, chains=chains)
    try:
        yield _furnish(gateway)
    finally:
        close_gateway(gateway)


def _furnish(gateway: Gateway) -> Shop:
    init_wallet(
        gateway, SealKey(read_or_create_key(gateway.settings.seal_key_path)), accounts=4, actor=_ACTOR
    )
    natives = {network.code: network.native.symbol for network in gateway.chains}
    merchant = create_merchant(gateway, "Bench", livemode=False, payout_currencies=natives, actor=_ACTOR)
    key = create_key(gateway, merchant.id, name="bench", scopes=[*Scope], actor=_ACTOR)
    principal = Principal(key.view.id, merchant.id, livemode=False, scopes=frozenset(Scope))
    return Shop(gateway, merchant.id, key.secret, principal)


def add_open_invoices(shop: Shop, asset: Asset, numbers: range) -> None:
    """Put open invoices straight into the tables, at addresses of nobody: making each by its route takes too long.

    `numbers` become the indexes of their addresses, so none may come twice.
    """
    for start in range(0, len(numbers), _CHUNK):
        rows = numbers[start : start + _CHUNK]

        def work(session: Session, rows: range = rows) -> None:
            _insert_invoices(session, shop, asset, rows)

        shop.gateway.db.run(work)


def random_address(family: str) -> str:
    """An address of nobody, as a family of chains writes it."""
    raw = secrets.token_bytes(20)
    return written(PREFIX + raw) if family == "tron" else f"0x{raw.hex()}"


def _insert_invoices(session: Session, shop: Shop, asset: Asset, rows: range) -> None:
    now = shop.gateway.clock.now(session)
    family = shop.gateway.chains.network(asset.network).key_family.name
    until = now + timedelta(days=1)
    made: dict[type[Any], list[dict[str, Any]]] = {
        InvoiceRow: [], DepositAddressRow: [], PaymentOptionRow: [], NativeWatchRow: []
    }  # fmt: skip
    for number in rows:
        invoice, deposit, address = new_id("INV-"), new_id("dep_"), random_address(family)
        owner = {"merchant_id": shop.merchant_id, "livemode": False, "created_at": now}
        made[InvoiceRow].append(
            owner
            | {"id": invoice, "status": "pending", "customer_name": "Bench", "notification_emails": ""}
            | {"undeliverable": "", "priority": "medium", "expires_at": until, "sequence": 0, "version": 1}
        )
        made[DepositAddressRow].append(
            owner
            | {"id": deposit, "key_family": family, "address": address, "account": 3, "chain": 0}
            | {"index": number + 1_000_000, "invoice_id": invoice}
        )
        made[PaymentOptionRow].append(
            {"id": new_id("opt_"), "invoice_id": invoice, "position": 0, "network": asset.network}
            | {"asset": asset.key, "symbol": asset.symbol, "decimals": asset.decimals, "amount": 1_000_000}
            | {"deposit_address_id": deposit, "address": address}
        )
        if asset.contract is None:
            made[NativeWatchRow].append(
                {"deposit_address_id": deposit, "network": asset.network, "address": address}
                | {"created_at": now, "expires_at": until, "look_at": now, "owed_at": until}
            )
    for model, values in made.items():
        if values:
            session.execute(insert(model), values)


def _toml(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    if path:
        yield f"[{'.'.join(path)}]"
    for key, value in table.items():
        if not isinstance(value, Mapping):
            yield f"{key} = {json.dumps(value)}"
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _toml(value, (*path, key))
