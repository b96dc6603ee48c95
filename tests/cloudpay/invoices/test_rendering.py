"""What the API answers when the settings have changed since."""

from dataclasses import replace

from cloudpay.chains.registry import load_chains
from cloudpay.invoices.rendering import invoice_answer
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
