"""What the API answers when the settings have changed since."""

import json
from dataclasses import replace

from cloudpay.chains.registry import load_chains
from cloudpay.invoices.rendering import invoice_answer, invoice_text, page_text
from cloudpay.invoices.schemas import InvoicePage, InvoiceSchema
from cloudpay.invoices.service import Filters, list_invoices
from cloudpay.kernel.paging import Paging
from cloudpay.testing import FakePlugin
from tests.cloudpay.shop import Shop


def test_payments_keep_their_amounts_when_their_asset_is_listed_no_more(
    shop: Shop, fakes: FakePlugin
) -> None:
    invoice = shop.ask("10", "USDT")
    shop.pay(invoice)
    shop.mine(5)
    tables = {"evm": {"live": False, "assets": {"USDT": False}}}
    later = replace(shop.gateway, chains=load_chains(tables, "evm", ("fake", fakes)))
    [payment] = invoice_answer(later, shop.state(invoice))["payments"]
    assert (payment["amount"], payment["currency"]) == ("10.00", "USDT")


def test_an_invoice_of_a_network_that_is_served_no_more_says_all_but_how_to_pay(
    shop: Shop, fakes: FakePlugin
) -> None:
    invoice = shop.ask("10", "USDT")
    shop.pay(invoice)
    shop.mine(5)
    later = replace(shop.gateway, chains=load_chains({"fake2": {"live": False}}, "fake2", ("fake", fakes)))
    answer = invoice_answer(later, shop.state(invoice))
    assert (answer["status"], answer["network"], answer["payment_uri"]) == ("paid", "evm", None)
    assert [each["amount"] for each in answer["payments"]] == ["10.00"]


def test_what_is_answered_is_what_the_schema_documents(shop: Shop) -> None:
    paid, fresh = shop.ask("10", "USDT"), shop.ask("0.5", "ETH")
    shop.pay(paid)
    shop.mine(5)
    for invoice in (shop.state(paid), shop.state(fresh)):
        written = json.loads(invoice_text(shop.gateway, invoice))
        dumped = InvoiceSchema().dump(invoice_answer(shop.gateway, invoice))
        assert written == json.loads(json.dumps(dumped))
        assert list(written) == list(InvoiceSchema().fields)
    page = list_invoices(shop.gateway, shop.principal, Filters(), Paging())
    listed = json.loads(page_text(shop.gateway, page))
    shown = page.map(lambda each: invoice_answer(shop.gateway, each))
    assert listed == json.loads(json.dumps(InvoicePage().dump(shown)))
    assert len(listed["items"]) == 2
