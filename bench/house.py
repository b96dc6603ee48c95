"""A gateway to measure: fake chains, a real database on this disk, a merchant with a key."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cloudpay.chains.gateway import Gateway, bind
from cloudpay.chains.registry import load_chains
from cloudpay.kernel.db import Database
from cloudpay.kernel.secrets import KEY_BYTES, AppKey, SealKey
from cloudpay.kernel.settings import Log, Rates, Settings
from cloudpay.merchants.keys import create_key
from cloudpay.merchants.service import create_merchant
from cloudpay.payments.health import verify
from cloudpay.tables import metadata
from cloudpay.testing import FixedClock, fake_plugin
from cloudpay.wallets.setup import init_wallet

DEV_WORDS = "test test test test test test test test test test test junk"


@dataclass(frozen=True)
class House:
    """The gateway, and the headers of a request by its merchant."""

    gateway: Gateway
    headers: dict[str, str]


@contextmanager
def house() -> Iterator[House]:
    """Open a gateway on a new SQLite file, which lies on the disk and not in memory: commits are what it costs."""
    with tempfile.TemporaryDirectory(prefix="cloudpay-bench-", dir=Path.cwd() / ".local") as folder:
        clock = FixedClock()
        fakes = fake_plugin(unix=clock.unix)[1]
        settings = Settings(
            data_dir=folder,
            database_url=f"sqlite:///{folder}/cloudpay.db",
            networks={code: {**table, "live": False} for code, table in fakes.tables.items()},
            rates=Rates(fixed={"ETH": "2500"}),
            log=Log(level="error"),
        )
        database = Database(settings.database_url or "")
        metadata.create_all(database.engine)
        chains = load_chains(settings.networks, settings.default_network, ("fake", fakes))
        gateway = Gateway(settings, database, clock, chains, AppKey(bytes(KEY_BYTES)))
        bind(gateway)
        yield House(gateway, _open_shop(gateway))
        database.close()


def _open_shop(gateway: Gateway) -> dict[str, str]:
    init_wallet(gateway, SealKey(bytes(KEY_BYTES)), mnemonic=DEV_WORDS, accounts=2, actor="cli:bench")
    merchant = create_merchant(gateway, "Bench", livemode=False, payout_currencies={}, actor="cli:bench")
    scopes = ["invoices:write", "read"]
    key = create_key(
        gateway, merchant.id, name="bench", scopes=scopes, rate_limit="1000000/minute", actor="cli:bench"
    )
    for network in gateway.chains:
        verify(gateway, network, gateway.chains.adapter(network.code))
    return {"x-api-key": key.secret, "merchant-id": merchant.id}
