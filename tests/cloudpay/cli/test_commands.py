"""The commands that people use to run a gateway."""

import json
from typing import Any

import pytest

from cloudpay.chains.gateway import Gateway
from cloudpay.merchants.keys import NewKey, authenticate
from cloudpay.merchants.service import MerchantView
from cloudpay.wallets.masters import all_masters


@pytest.fixture(autouse=True)
def own_data(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """No command may fall back to the settings of the folder that the tests run in."""
    monkeypatch.setenv("CLOUDPAY_DATA_DIR", gateway.settings.data_dir)


def test_merchant_create_asks_for_the_payout_currency_of_each_network(run: Any) -> None:
    ended = run("merchant", "create", "Tea Shop", "--test", "--json", typed="usdt\n-\n")
    assert ended.code == 0
    assert "Payout currency on evm" in ended.err
    assert json.loads(ended.out)["payout_currencies"] == {"evm": "USDT"}


def test_merchant_create_asks_nothing_when_payouts_are_named(run: Any) -> None:
    ended = run("merchant", "create", "Tea Shop", "--test", "--payout", "evm=eth", "--json")
    made = json.loads(ended.out)
    assert made["payout_currencies"] == {"evm": "ETH"}
    assert made["webhook_secret"].startswith("whsec_")
    assert ended.err == ""


def test_a_payout_network_is_set_and_cleared(run: Any, merchant: MerchantView) -> None:
    said = run("merchant", "payout-network", merchant.id, "fake2", "--json")
    assert json.loads(said.out)["payout_network"] == "fake2"
    said = run("merchant", "payout-network", merchant.id, "--clear", "--json")
    assert json.loads(said.out)["payout_network"] is None
    for wrong in ([], ["evm", "--clear"]):
        assert run("merchant", "payout-network", merchant.id, *wrong).code == 2


@pytest.mark.parametrize("payout", ["evm", "=ETH", "evm="])
def test_a_payout_that_is_no_pair_is_refused_before_anything_is_made(run: Any, payout: str) -> None:
    ended = run("merchant", "create", "Tea Shop", "--payout", payout)
    assert ended.code == 2
    assert "NETWORK=SYMBOL" in ended.err
    assert json.loads(run("merchant", "list", "--json").out) == []


def test_an_unknown_network_or_currency_is_one_sentence_and_makes_nothing(run: Any) -> None:
    for payout in ("moon=ETH", "evm=MOON"):
        ended = run("merchant", "create", "Tea Shop", "--payout", payout)
        assert ended.code == 1
        assert ended.err.startswith("Error: ")
        assert "Traceback" not in ended.err
        assert len(ended.err.strip().splitlines()) == 1
    assert json.loads(run("merchant", "list", "--json").out) == []


def test_a_key_made_on_the_command_line_works_within_its_scopes_until_it_is_revoked(
    run: Any, gateway: Gateway, merchant: MerchantView
) -> None:
    made = json.loads(
        run("key", "create", merchant.id, "--scope", "read", "--address", "192.0.2.0/24", "--json").out
    )
    principal = authenticate(gateway, made["secret"])
    assert (principal.merchant_id, set(principal.scopes)) == (merchant.id, {"read"})
    assert principal.addresses == ("192.0.2.0/24",)
    listed = run("key", "list", merchant.id)
    assert made["hint"] in listed.out
    assert made["secret"] not in listed.out
    assert json.loads(run("key", "revoke", merchant.id, made["id"], "--json").out)["revoked_at"]


def test_a_key_without_named_scopes_cannot_pay_out(run: Any, merchant: MerchantView) -> None:
    made = json.loads(run("key", "create", merchant.id, "--json").out)
    assert "payouts:write" not in made["scopes"]


@pytest.mark.parametrize("when", ["90d", "12h", "2999-01-31T00:00Z", "2999-01-31"])
def test_a_key_expires_after_a_period_or_at_a_time(run: Any, merchant: MerchantView, when: str) -> None:
    made = json.loads(run("key", "create", merchant.id, "--expires", when, "--json").out)
    assert made["expires_at"].endswith("Z")


def test_an_expiry_that_cannot_be_read_says_how_to_write_it(run: Any, merchant: MerchantView) -> None:
    ended = run("key", "create", merchant.id, "--expires", "soon")
    assert ended.code == 2
    assert "90d" in ended.err


def test_wallet_init_shows_the_words_once_and_refuses_a_second_wallet(run: Any) -> None:
    first = run("wallet", "init", "--new", "--json")
    assert len(json.loads(first.out)["words"].split()) == 24
    second = run("wallet", "init", "--new")
    assert second.code == 1
    assert "has a wallet already" in second.err
    assert json.loads(first.out)["words"].split()[0] not in run("wallet", "show").out.split()


def test_wallet_init_imports_words_and_does_not_show_them_again(run: Any) -> None:
    words = "test test test test test test test test test test test junk"
    ended = run("wallet", "init", "--words-file", "-", "--json", typed=words + "\n")
    assert json.loads(ended.out)["words"] is None
    assert "junk" not in ended.out + ended.err


def test_users_are_added_and_listed(run: Any, merchant: MerchantView) -> None:
    assert run("user", "create", merchant.id, "ada@example.com", "--role", "operator").code == 0
    assert [each["role"] for each in json.loads(run("user", "list", merchant.id, "--json").out)] == [
        "operator"
    ]
    again = run("user", "create", merchant.id, "ada@example.com")
    assert again.code == 1


def test_a_paused_network_is_shown_with_its_reason_and_audited_and_resumes(run: Any) -> None:
    assert run("chains", "pause", "evm", "--reason", "node upgrade").code == 0
    shown = {each["code"]: each for each in json.loads(run("chains", "--json").out)}
    assert (shown["evm"]["status"], shown["evm"]["reason"]) == ("paused", "node upgrade")
    assert run("chains", "resume", "evm").code == 0
    assert run("chains", "resume", "evm").code == 1
    actions = [each["action"] for each in json.loads(run("audit", "list", "--json").out)]
    assert actions[:2] == ["network.resumed", "network.paused"]


def test_lists_without_entries_say_so(run: Any, merchant: MerchantView, key: NewKey) -> None:
    assert "no such delivery" in run("webhook", "list", merchant.id).out
    assert "no such invoice" in run("invoice", "list", merchant.id).out
    assert run("webhook", "redeliver", "whd_nothing").code == 1
    assert run("invoice", "show", "INV-nothing").code == 1


def test_the_openapi_document_needs_neither_database_nor_nodes(run: Any) -> None:
    document = json.loads(run("openapi").out)
    assert document["openapi"].startswith("3.1")
    assert "/invoice" in document["paths"]


def test_a_rescan_of_blocks_that_were_never_read_says_how_far_the_chain_was_read(run: Any) -> None:
    ended = run("rescan", "evm", "5", "9")
    assert ended.code == 1
    assert "There is nothing to read from 5 to" in ended.err


def test_a_new_merchants_master_wallets_are_named_where_there_is_a_wallet(run: Any) -> None:
    before = json.loads(run("merchant", "create", "Tea", "--test", "--payout", "evm=eth", "--json").out)
    assert before["master_wallets"] == {}
    assert run("wallet", "masters").code == 1
    run("wallet", "init", "--new")
    after = json.loads(run("merchant", "create", "Coffee", "--test", "--payout", "evm=eth", "--json").out)
    assert set(after["master_wallets"]) == {"evm", "fake2"}
    listed = json.loads(run("wallet", "masters", "--json").out)
    told = {(each["merchant_id"], each["network"]): each["master_wallet"] for each in listed}
    assert {network: told[after["id"], network] for network in ("evm", "fake2")} == after["master_wallets"]
    assert told[before["id"], "evm"] != told[after["id"], "evm"]
    shown = json.loads(run("wallet", "addresses", after["id"], "--json").out)
    assert {each["network"]: each["master_wallet"] for each in shown} == after["master_wallets"]


def test_merchants_made_before_the_wallet_are_watched_once_there_is_one(run: Any, gateway: Gateway) -> None:
    run("merchant", "create", "Tea", "--test", "--payout", "evm=eth")
    run("wallet", "init", "--new")
    with gateway.db.read() as session:
        assert len(all_masters(session, "fake")) == 1
