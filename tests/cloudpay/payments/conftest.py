"""Another machine, for tests that bring a wallet back."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from cloudpay.chains.gateway import Gateway, bind
from cloudpay.kernel.db import Database
from cloudpay.tables import metadata
from cloudpay.wallets import vault
from tests.cloudpay.shop import Shop


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A passphrase is stretched for a moment only."""
    monkeypatch.setattr(vault, "_COST", 1 << 10)


@pytest.fixture
def elsewhere(shop: Shop, tmp_path: Path) -> Iterator[Gateway]:
    """Another machine beside the same chains: an empty data folder, an empty database."""
    home = tmp_path / "elsewhere"
    home.mkdir()
    url = f"sqlite:///{home / 'cloudpay.db'}"
    db = Database(url)
    metadata.create_all(db.engine)
    settings = msgspec.structs.replace(shop.gateway.settings, data_dir=str(home), database_url=url)
    made = replace(shop.gateway, db=db, settings=settings)
    bind(made)
    yield made
    db.close()
