"""`cloudpay reconcile`: a table for people, JSON for programs, and an exit code for scripts."""

import json
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from cloudpay.alerts.service import alert_views
from cloudpay.chains.gateway import Gateway
from cloudpay.ledger.audit import check
from cloudpay.reconciliation.correcting import CHANGED, book_drifts
from cloudpay.reconciliation.service import reconcile
from tests.cloudpay.cli.conftest import Run
from tests.cloudpay.shop import Shop


@pytest.fixture(autouse=True)
def own_data(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read from the folder that the tests run in, and nobody waits between two looks."""
    monkeypatch.setenv("CLOUDPAY_DATA_DIR", gateway.settings.data_dir)
    monkeypatch.setattr("cloudpay.reconciliation.service._PAUSE_SECONDS", 0.0)


@pytest.fixture
def paid(shop: Shop, run: Run, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An invoice that was paid with 10 USDT, final and booked."""
    monkeypatch.setattr("cloudpay.cli.session.open_gateway", lambda _settings, process: shop.gateway)
    invoice = shop.ask("10", "USDT")
    shop.pay(invoice)
    shop.mine(4)
    return invoice


def test_it_ends_with_0_where_ledger_and_chain_agree(run: Run, shop: Shop, paid: Any) -> None:
    ended = run("reconcile", "evm", "--json")
    assert ended.code == 0
    [row] = json.loads(ended.out)
    assert (row["wallet"], row["asset"], row["ledger"], row["chain"]) == (
        "deposits",
        "USDT",
        "10.00",
        "10.00",
    )
    assert (row["drift"], row["drift_base_units"], row["merchant"]) == (
        "0.00",
        "0",
        shop.principal.merchant_id,
    )
    assert "agree to the base unit" in ended.err


def test_it_ends_with_1_where_a_base_unit_is_missing_and_opens_an_alert_until_it_is_back(
    run: Run, shop: Shop, paid: Any
) -> None:
    shop.chain.fund(paid.option.address, -1, paid.option.asset)
    ended = run("reconcile", "evm")
    assert ended.code == 1
    assert "-0.000001" in ended.out
    assert "1 of" in ended.err
    assert len(alert_views(shop.gateway)) == 1
    shop.chain.fund(paid.option.address, 1, paid.option.asset)
    assert run("reconcile", "evm").code == 0
    assert not alert_views(shop.gateway)


def test_it_ends_with_3_where_nobody_can_say_and_compares_the_other_networks(
    run: Run, shop: Shop, paid: Any
) -> None:
    ended = run("reconcile", "--json")
    assert ended.code == 3, "the other network was never read"
    assert [row["network"] for row in json.loads(ended.out)] == ["evm"]
    assert "fake2 could not be held against the chain" in ended.err
    shop.chain.fund(paid.option.address, 1, paid.option.asset)
    assert run("reconcile").code == 1, "a drift is worse than not to know"


def test_what_a_person_has_explained_is_booked_once_with_the_reason_and_then_both_agree(
    run: Run, shop: Shop, paid: Any
) -> None:
    shop.chain.fund(paid.option.address, -1, paid.option.asset)
    shop.chain.fund(paid.option.address, 5)
    assert run("reconcile", "evm").code == 1
    ended = run("reconcile", "evm", "--book", "a fee that I paid by hand")
    assert ended.code == 1
    assert "Booked: -0.000001 USDT" in ended.err
    assert "Not booked: 0.000000000000000005 ETH" in ended.err and "cloudpay rescan" in ended.err
    assert shop.held() == 9_999_999
    shop.chain.fund(paid.option.address, -5)
    assert run("reconcile", "evm", "--book", "once more").code == 0
    assert shop.held() == 9_999_999, "nothing differs, so nothing is booked"
    assert not alert_views(shop.gateway)
    assert check(shop.gateway) == []
    assert run("audit", "list", "--json").out.count("a fee that I paid by hand") == 1


def test_two_people_who_have_compared_at_two_blocks_book_it_once(run: Run, shop: Shop, paid: Any) -> None:
    shop.chain.fund(paid.option.address, -7, paid.option.asset)
    mine = reconcile(shop.gateway, "evm")
    shop.mine(1)
    yours = reconcile(shop.gateway, "evm")
    assert mine.height != yours.height
    assert book_drifts(shop.gateway, mine, "found by me", actor="cli:me") == {}
    assert [*book_drifts(shop.gateway, yours, "found by you", actor="cli:you").values()] == [CHANGED]
    assert shop.held() == 9_999_993
    assert run("reconcile", "evm").code == 0


@pytest.mark.parametrize("arguments", [["--book", "why"], ["evm", "--book", " "]])
def test_nothing_is_booked_without_a_network_and_a_reason(run: Run, arguments: list[str]) -> None:
    ended = run("reconcile", *arguments)
    assert ended.code == 2
    assert "--book needs one NETWORK" in ended.err


def test_a_network_that_is_not_there_is_a_slip_of_the_hand_and_no_drift(run: Run) -> None:
    ended = run("reconcile", "moon")
    assert ended.code == 2
    assert "There is no network 'moon' here" in ended.err


def test_a_database_that_is_away_is_no_drift(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_gateway: Gateway, _code: str, _patience: object) -> None:
        raise DBAPIError("SELECT 1", {}, OSError("connection refused"))

    monkeypatch.setattr("cloudpay.cli.reconcile.compare", away)
    ended = run("reconcile", "evm")
    assert ended.code == 3
    assert "connection refused" in ended.err
