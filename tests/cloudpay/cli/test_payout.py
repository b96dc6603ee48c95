"""`cloudpay payout`, and what other commands say of payouts."""

import json
from pathlib import Path
from typing import Any

import pytest

from cloudpay.chains.gateway import Gateway
from cloudpay.merchants.service import MerchantView, get_merchant
from tests.cloudpay.funds import BULK, Send
from tests.cloudpay.payouts.items import ALICE, item


@pytest.fixture(autouse=True)
def own_data(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """No command may fall back to the settings of the folder that the tests run in."""
    monkeypatch.setenv("CLOUDPAY_DATA_DIR", gateway.settings.data_dir)


def test_payouts_are_listed_and_shown(run: Any, send: Send, merchant: MerchantView) -> None:
    assert run("payout", "list", merchant.id).out.strip() == "There is no such payout."
    made = send(item(1), item(2)).get_json()
    rows = json.loads(run("payout", "list", merchant.id, "--json").out)
    assert [each["id"] for each in rows] == ["REF_002", "REF_001"]
    assert rows[1] == made["items"][0]
    for option, expected in (("--external-id=REF_001", 1), (f"--batch={made['batch_id']}", 2)):
        assert len(json.loads(run("payout", "list", merchant.id, option, "--json").out)) == expected
    assert "REF_001" in run("payout", "list", merchant.id, "--status", "awaiting_confirmation").out
    shown = json.loads(run("payout", "show", merchant.id, made["batch_id"], "--json").out)
    assert shown == made
    one = made["items"][0]["payout_id"]
    assert json.loads(run("payout", "show", merchant.id, one, "--json").out)["payout_id"] == one
    missing = run("payout", "show", merchant.id, "po_nobody")
    assert missing.code == 1 and "There is no payout 'po_nobody'" in missing.err


def test_a_user_confirms_and_what_is_queued_is_cancelled(
    run: Any, send: Send, merchant: MerchantView
) -> None:
    made = send(item(1), item(2)).get_json()
    run("user", "create", merchant.id, "ada@example.com")
    first = made["items"][0]["payout_id"]
    said = run("payout", "confirm", merchant.id, first, "--user", "ada@example.com")
    assert said.out.splitlines()[-1] == f"{first} goes out."
    nobody = run("payout", "confirm", merchant.id, made["batch_id"], "--user", "eve@example.com")
    assert nobody.code == 1 and "cloudpay user list" in nobody.err
    said = run("payout", "cancel", merchant.id, made["batch_id"])
    assert said.out.splitlines()[-1] == f"{made['batch_id']} is completed; 2 of its 2 are cancelled."
    told = json.loads(run("audit", "list", "--json").out)
    assert {"payouts.approved", "payouts.confirmed", "payouts.cancelled"} <= {each["action"] for each in told}


def test_above_the_threshold_it_goes_out_with_the_second_user(
    run: Any, send: Send, merchant: MerchantView
) -> None:
    run("payout", "limit", merchant.id, "ETH@evm=0.1/approval")
    for user in ("ada@example.com", "bob@example.com"):
        run("user", "create", merchant.id, user)
    batch = send(item(1), auto_confirm=True).get_json()["batch_id"]
    said = run("payout", "confirm", merchant.id, batch, "--user", "ada@example.com")
    assert said.out.splitlines()[-1] == f"{batch} waits for 1 more of its 2 users."
    said = run("payout", "confirm", merchant.id, batch, "--user", "bob@example.com", "--json")
    assert (json.loads(said.out)["approvals"], json.loads(said.out)["status"]) == (2, "processing")


def test_an_option_that_cannot_be_is_named_with_every_bad_line(
    run: Any, funded: Gateway, merchant: MerchantView, tmp_path: Path
) -> None:
    file = tmp_path / "payouts.csv"
    for text, names in (
        (f"id,address,amount\nA,{ALICE},1\nB,{ALICE},1\n", ["currency"]),
        (f"id,address,amount\nA,{ALICE},1,5\nB,{ALICE},=1\n", ["currency", "lines.2", "lines.3.amount"]),
        (f"id,address,amount\nA,{ALICE},1,5\n", ["currency", "lines.2"]),
    ):
        file.write_text(text, encoding="utf-8")
        said = run("payout", "upload", merchant.id, str(file), "--currency", "X" * 21)
        assert said.code == 1
        named = [line.split(": ")[0] for line in said.err.splitlines()]
        assert named[: len(names)] == names


def test_a_file_is_looked_at_then_taken_once_and_waits(
    run: Any, funded: Gateway, merchant: MerchantView, tmp_path: Path
) -> None:
    file = tmp_path / "payouts.csv"
    file.write_text(f"id;address;amount\nREF_001;{ALICE};0.5\nREF_002;{ALICE};1\n", encoding="utf-8-sig")
    upload = ("payout", "upload", merchant.id, str(file))
    seen = run(*upload, "--dry-run")
    assert seen.out.splitlines()[-1] == "2 payouts would be accepted; nothing was kept."
    assert "1.500004" in seen.out and "yes" in seen.out
    run("payout", "limit", merchant.id, "ETH@evm=1/approval")
    assert run(*upload, "--dry-run").out.splitlines()[-1] == "2 users would have to agree to them."
    run("payout", "limit", merchant.id, "ETH@evm=none/approval")
    taken = json.loads(run(*upload, "--json").out)
    assert (taken["status"], taken["count"]) == ("awaiting_confirmation", 2)
    assert json.loads(run(*upload, "--json").out) == taken
    assert "cloudpay payout confirm" in run(*upload).out
    told = json.loads(run("audit", "list", "--json").out)
    assert [each["actor"][:4] for each in told if each["action"] == "payouts.created"] == ["cli:"]


def test_a_file_with_mistakes_is_refused_with_every_line(
    run: Any, funded: Gateway, merchant: MerchantView, tmp_path: Path
) -> None:
    file = tmp_path / "payouts.csv"
    file.write_text("id,address,amount\n" + "".join(f"{n},nowhere,1\n" for n in range(9)), encoding="utf-8")
    said = run("payout", "upload", merchant.id, str(file), "--currency", "ETH")
    assert said.code == 1
    assert all(f"lines.{line}.address: " in said.err for line in range(2, 11))
    assert json.loads(run("payout", "list", merchant.id, "--json").out) == []


def test_limits_are_set_for_a_merchant_and_for_a_new_key(
    run: Any, merchant: MerchantView, client: Any, funded: Gateway
) -> None:
    assert run("payout", "limit", merchant.id).out.strip() == "Nothing limits its payouts."
    made = run(
        "key", "create", merchant.id, "--scope=payouts:write", "--payout-limit=ETH@evm=0.1/day", "--json"
    )
    key = json.loads(made.out)
    rows = json.loads(run("payout", "limit", merchant.id, "ETH@evm=2/day", "--json").out)
    assert [(each["holder"], each["amount"]) for each in rows] == [("merchant", "2.00"), (key["id"], "0.10")]
    body = json.dumps({"items": [item(1)], "auto_confirm": True})
    answer = client.post(BULK, data=body, headers={"x-api-key": key["secret"]})
    assert answer.get_json()["code"] == "payout_limit_exceeded"


def test_a_key_whose_limits_cannot_be_read_is_of_no_use(run: Any, merchant: MerchantView) -> None:
    failed = run("key", "create", merchant.id, "--payout-limit", "much", "--json")
    assert failed.code == 1 and "USDT@evm=1000/day" in failed.err and failed.out == ""
    [key] = json.loads(run("key", "list", merchant.id, "--json").out)
    assert key["revoked_at"] is not None


def test_the_payout_currency_of_a_network_is_changed(
    run: Any, gateway: Gateway, merchant: MerchantView
) -> None:
    run("merchant", "payout-currency", merchant.id, "evm=usdt", "fake2=FAKE")
    assert get_merchant(gateway, merchant.id).payout_currencies == {"evm": "USDT", "fake2": "FAKE"}
    assert run("merchant", "payout-currency", merchant.id, "evm").code == 2
