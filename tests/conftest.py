"""What every test of the core may ask for: a database, a gateway over fake chains, a merchant, a client."""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, make_url, text

from cloudpay.app import create_app
from cloudpay.chains.gateway import Gateway, bind
from cloudpay.chains.registry import load_chains
from cloudpay.kernel.db import Database
from cloudpay.kernel.secrets import KEY_BYTES, AppKey, SealKey
from cloudpay.kernel.sections import Log, Rates
from cloudpay.kernel.settings import Settings
from cloudpay.merchants.keys import NewKey, create_key
from cloudpay.merchants.service import MerchantView, create_merchant
from cloudpay.tables import metadata
from cloudpay.testing import FakePlugin, FixedClock, fake_plugin
from cloudpay.wallets.setup import init_wallet

SERVER = os.environ.get("CLOUDPAY_TEST_DATABASE_URL")
"""A PostgreSQL server to make databases on; SQLite in a temporary folder when it is not set."""

DEV_WORDS = "test test test test test test test test test test test junk"
"""The well-known development seed; nothing of value may ever lie on it."""

PRICES: dict[str, str | int | float] = {"ETH": "2500", "USDT": "1.00", "WBTC": "60000", "FAKE": "2"}


def pytest_configure(config: pytest.Config) -> None:
    """Have no logger remember the configuration under which it was first used, as each does in a process of its own."""
    uncached = mock.patch.object(structlog, "configure", partial(_configure_uncached, structlog.configure))
    uncached.start()
    config.add_cleanup(uncached.stop)


def _configure_uncached(configure: Callable[..., None], **settings: Any) -> None:
    configure(**{**settings, "cache_logger_on_first_use": False})


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """A test that configures logs does so for itself alone."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def _on_server(statement: str) -> None:
    engine = create_engine(str(SERVER), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def _with_tables(url: str) -> None:
    database = Database(url)
    metadata.create_all(database.engine)
    database.close()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database with all tables, made once: a copy is faster than 25 tables."""
    if SERVER is None:
        file = tmp_path_factory.mktemp("template") / "cloudpay.db"
        _with_tables(f"sqlite:///{file}")
        yield str(file)
        return
    name = f"template_{secrets.token_hex(8)}"
    _on_server(f"CREATE DATABASE {name}")
    _with_tables(make_url(SERVER).set(database=name).render_as_string(hide_password=False))
    yield name
    _on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(tmp_path: Path) -> Iterator[str]:
    """An empty database of this test's own."""
    if SERVER is None:
        yield f"sqlite:///{tmp_path / 'cloudpay.db'}"
        return
    name = f"test_{secrets.token_hex(8)}"
    _on_server(f"CREATE DATABASE {name}")
    yield make_url(SERVER).set(database=name).render_as_string(hide_password=False)
    _on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def server_database() -> Iterator[str | None]:
    """An empty database for the tests of one file, where they run on a PostgreSQL server."""
    if SERVER is None:
        yield None
        return
    name = f"flow_{secrets.token_hex(8)}"
    _on_server(f"CREATE DATABASE {name}")
    yield make_url(SERVER).set(database=name).render_as_string(hide_password=False)
    _on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def tables_url(tmp_path: Path, template: str) -> Iterator[str]:
    """A database of this test's own with all tables."""
    if SERVER is None:
        shutil.copy(template, tmp_path / "gateway.db")
        yield f"sqlite:///{tmp_path / 'gateway.db'}"
        return
    name = f"test_{secrets.token_hex(8)}"
    _on_server(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield make_url(SERVER).set(database=name).render_as_string(hide_password=False)
    _on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def db(tables_url: str) -> Iterator[Database]:
    """A database with all tables."""
    database = Database(tables_url)
    yield database
    database.close()


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still until the test moves it."""
    return FixedClock()


@pytest.fixture
def fakes(clock: FixedClock) -> FakePlugin:
    """The fake chains `evm` and `fake2`, for the test to script."""
    return fake_plugin(unix=clock.unix)[1]


@pytest.fixture
def settings(tmp_path: Path, tables_url: str, fakes: FakePlugin) -> Settings:
    """Settings that serve the fake chains, in test mode."""
    return Settings(
        data_dir=str(tmp_path),
        database_url=tables_url,
        networks={code: {**table, "live": False} for code, table in fakes.tables.items()},
        rates=Rates(fixed=PRICES),
        log=Log(level="error"),
    )


@pytest.fixture
def gateway(settings: Settings, db: Database, clock: FixedClock, fakes: FakePlugin) -> Gateway:
    """A gateway over fake chains, without a wallet yet."""
    chains = load_chains(settings.networks, settings.default_network, ("fake", fakes))
    made = Gateway(settings, db, clock, chains, AppKey(bytes(KEY_BYTES)))
    bind(made)
    return made


@pytest.fixture
def merchant(gateway: Gateway) -> MerchantView:
    """A merchant in test mode, and the wallet that its addresses come from."""
    init_wallet(gateway, SealKey(bytes(KEY_BYTES)), mnemonic=DEV_WORDS, accounts=4, actor="cli:test")
    return create_merchant(
        gateway, "Tea Shop", livemode=False, payout_currencies={"evm": "ETH"}, actor="cli:test"
    )


@pytest.fixture
def key(gateway: Gateway, merchant: MerchantView) -> NewKey:
    """A key of that merchant with every scope."""
    return create_key(
        gateway,
        merchant.id,
        name="shop",
        scopes=["invoices:write", "payouts:write", "read", "webhooks:write"],
        actor="cli:test",
    )


@pytest.fixture
def headers(merchant: MerchantView, key: NewKey) -> dict[str, str]:
    """The headers of a request by that merchant."""
    return {"x-api-key": key.secret, "merchant-id": merchant.id}


@pytest.fixture
def app(gateway: Gateway) -> Flask:
    """The web application."""
    return create_app(gateway=gateway)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of it, without a socket."""
    return app.test_client()
