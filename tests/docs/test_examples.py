"""Examples in the documents are what the code takes and answers."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from cloudpay.app.gauges import GAUGES
from cloudpay.app.schemas import BatchCompleted, InvoiceChanged, PayoutChanged
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.registry import load_chains
from cloudpay.chains.types import DEPOSIT_CHAIN
from cloudpay.invoices.change import webhook_body
from cloudpay.invoices.schemas import InvoiceSchema, NewInvoiceSchema, PaymentOptionSchema, PaymentSchema
from cloudpay.invoices.service import get
from cloudpay.kernel.db import Database
from cloudpay.kernel.settings import Settings, convert_settings
from cloudpay.merchants.keys import NewKey, authenticate
from cloudpay.merchants.service import MerchantView, create_merchant
from cloudpay.payments.health import verify
from cloudpay.payouts.schemas import NewBatchSchema
from cloudpay.wallets.indexes import take_index
from tests.docs.pages import DOCS, ROOT, Block, blocks, code, pages

BLOCKS = [block for page in pages() for block in blocks(page)]
_CURL_BODY = re.compile(r"-d '(\{.*?\})'", re.DOTALL)


def _of(language: str, example: str | None = None) -> list[Block]:
    found = [block for block in BLOCKS if block.language == language]
    return [block for block in found if example is None or block.example == example]


def _name(block: Block) -> str:
    return f"{block.page.relative_to(ROOT)}: {block.text[:30]!r}"


@pytest.mark.parametrize("block", _of("json"), ids=_name)
def test_every_json_example_parses(block: Block) -> None:
    json.loads(block.text)


def _requests() -> list[tuple[Path, str]]:
    return [(block.page, body) for block in _of("sh") for body in _CURL_BODY.findall(block.text)]


def test_every_request_of_the_documents_is_one_that_the_api_takes() -> None:
    assert len(_requests()) >= 3
    for page, body in _requests():
        assert NewInvoiceSchema().validate(json.loads(body)) == {}, page


@pytest.fixture
def invoice(gateway: Gateway, client: FlaskClient, key: NewKey) -> dict[str, Any]:
    """What the API answers to the tutorial's first request."""
    for network in gateway.chains:
        verify(gateway, network, gateway.chains.adapter(network.code))
    body = next(body for page, body in _requests() if page.name == "first-payment.md")
    answer = client.post(
        "/api/invoice", data=body, headers={"x-api-key": key.secret}, content_type="application/json"
    )
    assert answer.status_code == 201, answer.data
    found: dict[str, Any] = answer.get_json()
    return found


def test_the_example_invoice_has_the_fields_of_a_real_answer(invoice: dict[str, Any]) -> None:
    examples = _of("json", "invoice")
    assert examples
    for example in examples:
        told = json.loads(example.text)
        assert list(told) == list(invoice) == list(InvoiceSchema().fields)
        assert (
            set(told["payment_options"][0])
            == set(invoice["payment_options"][0])
            == set(PaymentOptionSchema().fields)
        )
        assert set(told["payments"][0]) == set(PaymentSchema().fields)
        assert InvoiceSchema().validate(told) == {}


def test_the_example_webhook_has_the_keys_of_a_real_one_in_their_order(
    gateway: Gateway, invoice: dict[str, Any], key: NewKey
) -> None:
    principal = authenticate(gateway, key.secret)
    real = webhook_body(get(gateway, principal, invoice["id"]))
    examples = _of("json", "webhook")
    assert examples
    for example in examples:
        told = json.loads(example.text)
        assert list(told) == list(real), example.page
        assert InvoiceChanged().validate(told) == {}


def test_the_example_batch_is_one_that_the_api_takes_and_its_webhooks_are_what_is_sent() -> None:
    asked, payout, batch = (_of("json", name) for name in ("bulk-payout", "payout-webhook", "batch-webhook"))
    assert asked and payout and batch
    for examples, schema in ((asked, NewBatchSchema()), (payout, PayoutChanged()), (batch, BatchCompleted())):
        for example in examples:
            assert schema.validate(json.loads(example.text)) == {}, example.page
    for examples, body in ((payout, PayoutChanged), (batch, BatchCompleted)):
        assert [list(json.loads(each.text)) for each in examples] == [list(body().fields)]


@pytest.mark.parametrize(
    "block", [each for each in _of("toml") if not (each.example or "").startswith("plugin-")], ids=_name
)  # what belongs to the plugin guide is tested with it
def test_every_settings_example_is_one_that_the_gateway_takes(block: Block) -> None:
    table = tomllib.loads(block.text)
    settings = convert_settings(table, Settings, where=_name(block))
    load_chains(settings.networks, next(iter(settings.networks), "evm"))


def test_the_page_on_operation_names_every_metric_and_no_other() -> None:
    page = DOCS / "how-to" / "operate.md"
    named = {each for each in code(page) if re.fullmatch(r"cloudpay_\w+", each)}
    assert named == {gauge.name for gauge in GAUGES} | {
        "cloudpay_http_requests",
        "cloudpay_http_request_seconds",
    }


@pytest.mark.parametrize("times", [1, 2])
def test_after_the_statement_of_the_restore_no_account_is_given_to_another_merchant(
    gateway: Gateway, merchant: MerchantView, times: int
) -> None:
    statement = next(block.text for block in _of("sql") if "account_reserves" in block.text)
    for _ in range(times):
        with gateway.db.transaction() as session:
            session.execute(text(statement))
    new = create_merchant(gateway, "New", livemode=False, payout_currencies={}, actor="cli:test")
    assert new.account_index == (merchant.account_index + 21) * times


def test_after_the_statement_of_the_restore_no_address_is_handed_out_again(
    gateway: Gateway, merchant: MerchantView
) -> None:
    statement = next(block.text for block in _of("sql") if "address_ranges" in block.text)
    account, family = merchant.account_index, gateway.chains.network("evm").key_family.name
    assert take_index(gateway.db, family, account, DEPOSIT_CHAIN) == 0
    restored = Database(gateway.db.url)  # as a process that starts anew sees it
    with restored.transaction() as session:
        session.execute(text(statement))
    assert take_index(restored, family, account, DEPOSIT_CHAIN) > 100_000
    assert take_index(restored, family, account + 1, DEPOSIT_CHAIN) == 100_000
    restored.close()
