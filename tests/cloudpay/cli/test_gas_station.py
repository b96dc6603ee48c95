"""`cloudpay merchant gas-station`: shown, set, and set back."""

import json
from typing import Any

import pytest

from cloudpay.chains.gateway import Gateway
from cloudpay.ledger.outgoing import Funding, post_funding
from cloudpay.ledger.types import AccountKind
from cloudpay.merchants.service import MerchantView
from cloudpay.testing.clock import START
from cloudpay.wallets.service import master_address


@pytest.fixture(autouse=True)
def own_data(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """No command may fall back to the settings of the folder that the tests run in."""
    monkeypatch.setenv("CLOUDPAY_DATA_DIR", gateway.settings.data_dir)


def told(run: Any, *arguments: str) -> dict[str, str]:
    ended = run("merchant", "gas-station", *arguments, "--json")
    assert ended.code == 0, ended.err
    found: dict[str, str] = json.loads(ended.out)
    return found


def test_it_is_shown_set_to_an_address_of_its_own_and_set_back(
    run: Any, gateway: Gateway, merchant: MerchantView
) -> None:
    master = master_address(gateway, gateway.chains.network("evm"), merchant.account_index)
    first = told(run, merchant.id, "evm")
    assert (first["gas_station"], first["address"], first["free"]) == ("master", master, "0.00")
    own = told(run, merchant.id, "evm", "--own")
    assert own["gas_station"] == "own" and own["address"] != master
    assert told(run, merchant.id, "evm") == own
    back = told(run, merchant.id, "evm", "--master")
    assert (back["gas_station"], back["address"], back["left_at"]) == ("master", master, own["address"])


def test_it_says_where_to_send_coins_and_how_what_is_left_comes_home(
    run: Any, gateway: Gateway, merchant: MerchantView
) -> None:
    shown = run("merchant", "gas-station", merchant.id, "evm", "--own").out
    address = told(run, merchant.id, "evm")["address"]
    assert f"Send ETH on evm to {address}" in shown
    came = Funding("evm", "0x1", address, "", 0, merchant.id, False, 10**18, purse=AccountKind.GAS)
    gateway.db.run(lambda session: post_funding(session, came, START))
    assert "Send ETH" not in run("merchant", "gas-station", merchant.id, "evm").out
    back = run("merchant", "gas-station", merchant.id, "evm", "--master").out
    assert "`cloudpay sweep evm` brings it home" in back
    assert told(run, merchant.id, "evm")["left_behind"] == "1.00"


def test_what_contradicts_itself_or_is_unknown_is_refused(run: Any, merchant: MerchantView) -> None:
    assert run("merchant", "gas-station", merchant.id, "evm", "--own", "--master").code == 2
    assert run("merchant", "gas-station", merchant.id, "nowhere").code == 1
    assert run("merchant", "gas-station", "mer_nobody", "evm", "--own").code == 1
