"""Making the wallet: whatever fails, its words are shown, or there is no wallet that needs them."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.registry import load_chains
from cloudpay.cli import session
from cloudpay.kernel.errors import Unavailable
from cloudpay.testing import FakePlugin
from cloudpay.wallets.setup import wallet
from cloudpay.wallets.signer import MasterKey
from tests.cloudpay.cli.conftest import Run


@pytest.fixture
def live(
    run: Run, gateway: Gateway, fakes: FakePlugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Gateway:
    """A gateway with real money, whose file of ceilings is to lie in a folder that nobody has made."""
    tables = {code: {**table, "live": True} for code, table in fakes.tables.items()}
    limits = str(tmp_path / "etc" / "signer.toml")
    made = replace(
        gateway,
        settings=msgspec.structs.replace(gateway.settings, signer_limits_file=limits),
        chains=load_chains(tables, "evm", ("fake", fakes)),
    )
    monkeypatch.setenv("CLOUDPAY_DATA_DIR", gateway.settings.data_dir)
    monkeypatch.setattr(session, "open_gateway", lambda _settings, process: made)
    return made


def test_no_wallet_is_made_while_the_file_of_ceilings_cannot_be_written(run: Run, live: Gateway) -> None:
    refused = run("wallet", "init", "--new")
    assert refused.code == 1 and "signer.toml cannot be written" in refused.err
    assert wallet(live) is None
    live.settings.signer_limits_path.parent.mkdir()
    made = run("wallet", "init", "--new")
    assert made.code == 0 and "Nothing is paid out until" in made.out
    assert len([line for line in made.out.splitlines() if line[:4].strip().isdigit()]) == 24


def test_the_words_are_shown_though_what_comes_after_the_commit_fails(
    run: Run, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_gateway: Gateway) -> int:
        raise Unavailable("The database is away.")

    monkeypatch.setenv("CLOUDPAY_DATA_DIR", gateway.settings.data_dir)
    monkeypatch.setattr(sys.modules["cloudpay.cli.wallet"], "make_masters", failing)
    ended = run("wallet", "init", "--new", "--json")
    assert ended.code == 1 and "The database is away." in ended.err
    found = wallet(gateway)
    assert found is not None
    assert MasterKey.from_words(json.loads(ended.out)["words"]).fingerprint == found.fingerprint
