"""Tokens that take a fee or lie about what arrives, listed with and without `verify_balance`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.invoices.states import InvoiceException, InvoiceStatus
from cloudpay.payments.networks import network_views
from cloudpay.payments.states import NetworkStatus, PaymentStatus
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.oddities import Oddities
from tests.flows.databases import NewDatabase
from tests.flows.realshop import RealShop, network_table, open_real_shop

pytestmark = pytest.mark.flow

TEN = 10_000_000


@pytest.fixture(scope="module")
def tokens(chain: DevChain, odd: Oddities) -> dict[str, str]:
    """Contracts by symbol: an honest and a lying token with a fee, one that may shrink, and USDC behind a proxy."""
    placed = {
        "HONEST": odd.place("FeeToken", ["bool"], [False]),
        "LIAR": odd.place("FeeToken", ["bool"], [True]),
        "SHRINKS": odd.place("OddToken", salt="shrinks"),
        "USDC": odd.place("TokenProxy", ["address"], [odd.place("OddToken")]),
    }
    for symbol in ("HONEST", "LIAR"):
        odd.call(placed[symbol], "mint(address,uint256)", chain.payer.address, 100 * TEN)
    return placed


@pytest.fixture(scope="module")
def shop(
    chain: DevChain,
    tokens: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
    new_database: NewDatabase,
) -> Iterator[RealShop]:
    """A shop that believes HONEST and USDC, and holds LIAR and SHRINKS against their balances."""
    folder: Path = tmp_path_factory.mktemp("fees")
    listed = {
        symbol: {"contract": contract, "decimals": 6, "verify_balance": symbol in ("LIAR", "SHRINKS")}
        for symbol, contract in tokens.items()
    }
    table = network_table(chain, assets=listed)
    with open_real_shop(folder, new_database(), {"evm": chain}, {"evm": table}) as opened:
        yield opened


def test_f12_a_token_whose_log_says_what_arrives_is_credited_by_its_log(
    shop: RealShop, odd: Oddities, tokens: dict[str, str]
) -> None:
    invoice, before = shop.ask("10", "HONEST"), shop.held()
    odd.call(tokens["HONEST"], "transfer(address,uint256)", invoice.option.address, TEN)
    shop.finish()
    found = shop.state(invoice)
    assert (found.status, found.exception) == (InvoiceStatus.PENDING, InvoiceException.UNDERPAID)
    assert shop.held() - before == shop.chain.node.rpc.number(
        "eth_call", balance_question(tokens["HONEST"], invoice.option.address), "latest"
    )
    odd.call(tokens["HONEST"], "transfer(address,uint256)", invoice.option.address, TEN // 9 + 1)
    shop.finish()
    assert shop.state(invoice).status is InvoiceStatus.PAID


def balance_question(contract: str, address: str) -> dict[str, str]:
    """The call of `balanceOf`."""
    return {"to": contract, "data": "0x70a08231" + address.removeprefix("0x").lower().rjust(64, "0")}


def test_f12_a_token_whose_log_says_more_than_arrives_is_credited_by_its_balance(
    shop: RealShop, odd: Oddities, tokens: dict[str, str]
) -> None:
    invoice, before = shop.ask("10", "LIAR"), shop.held()
    odd.call(tokens["LIAR"], "transfer(address,uint256)", invoice.option.address, TEN)
    shop.look()
    assert [each.status for each in shop.state(invoice).payments] == [PaymentStatus.CONFIRMING]
    shop.finish()
    found = shop.state(invoice)
    assert [(each.amount, each.status) for each in found.payments] == [(TEN * 9 // 10, PaymentStatus.FINAL)]
    assert (found.status, found.exception) == (InvoiceStatus.PENDING, InvoiceException.UNDERPAID)
    assert shop.held() - before == TEN * 9 // 10
    odd.call(tokens["LIAR"], "transfer(address,uint256)", invoice.option.address, 1_112_000)
    shop.finish()
    paid = shop.state(invoice)
    assert (paid.status, paid.exception) == (InvoiceStatus.PAID, InvoiceException.OVERPAID)
    assert shop.held() - before == TEN * 9 // 10 + 1_000_800


def test_f12_a_log_of_which_nothing_arrives_is_no_payment(
    shop: RealShop, odd: Oddities, tokens: dict[str, str]
) -> None:
    invoice, before = shop.ask("10", "SHRINKS"), shop.held()
    odd.call(tokens["SHRINKS"], "pretend(address,uint256)", invoice.option.address, TEN)
    shop.finish()
    assert (shop.state(invoice).status, shop.state(invoice).payments) == (InvoiceStatus.PENDING, ())
    assert shop.held() == before
    assert "paid" not in shop.statuses_told(invoice)
    odd.call(tokens["SHRINKS"], "give(address,uint256)", invoice.option.address, TEN)
    shop.finish()
    assert shop.state(invoice).status is InvoiceStatus.PAID
    assert shop.held() - before == TEN


def test_f12_credits_never_exceed_a_balance_that_was_shrunk(
    shop: RealShop, odd: Oddities, tokens: dict[str, str]
) -> None:
    invoice, before = shop.ask("20", "SHRINKS"), shop.held()
    odd.call(tokens["SHRINKS"], "give(address,uint256)", invoice.option.address, TEN)
    shop.finish()
    odd.call(tokens["SHRINKS"], "shrink(address,uint256)", invoice.option.address, TEN // 2)
    odd.call(tokens["SHRINKS"], "give(address,uint256)", invoice.option.address, TEN)
    shop.finish()
    assert [each.amount for each in shop.state(invoice).payments] == [TEN, TEN // 2]
    assert shop.held() - before == TEN + TEN // 2


def test_f12_what_was_moved_away_by_hand_does_not_hide_what_comes_after_it(
    shop: RealShop, chain: DevChain, odd: Oddities, tokens: dict[str, str]
) -> None:
    invoice, before = shop.ask("18", "LIAR"), shop.earned()
    address = invoice.option.address
    odd.call(tokens["LIAR"], "transfer(address,uint256)", address, TEN)
    shop.finish()
    chain.node.set_balance(address, 10**18)
    chain.node.rpc.call("anvil_impersonateAccount", address)
    moved = odd.call(
        tokens["LIAR"], "transfer(address,uint256)", chain.payer.address, TEN * 9 // 10, sender=address
    )
    assert moved.succeeded
    odd.call(tokens["LIAR"], "transfer(address,uint256)", address, TEN)
    shop.finish()
    paid = shop.state(invoice)
    assert [each.amount for each in paid.payments] == [TEN * 9 // 10] * 2
    assert (paid.status, paid.exception) == (InvoiceStatus.PAID, None)
    assert shop.earned() - before == 2 * TEN * 9 // 10


def test_f12_while_a_balance_is_unknown_its_token_waits_and_no_other(
    shop: RealShop, odd: Oddities, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, other, before = shop.ask("9", "LIAR"), shop.ask("10", "USDC"), shop.held()
    odd.call(tokens["LIAR"], "transfer(address,uint256)", waiting.option.address, TEN)
    odd.call(tokens["USDC"], "give(address,uint256)", other.option.address, TEN)

    def silent(*asked: object) -> None:
        raise NodeUnavailable("evm", "its token is broken")

    monkeypatch.setattr(shop.watchers["evm"]._arrivals._adapter, "balances", silent)
    shop.look()
    shop.mine(2)
    assert shop.state(waiting).status is InvoiceStatus.CONFIRMING
    assert shop.state(other).status is InvoiceStatus.PAID
    assert shop.held() - before == TEN
    assert network_views(shop.gateway)[0].status is NetworkStatus.ACTIVE
    monkeypatch.undo()
    shop.mine()
    assert shop.state(waiting).status is InvoiceStatus.PAID


def test_f1_a_listed_proxy_that_runs_another_contracts_code_is_the_token(
    shop: RealShop, odd: Oddities, tokens: dict[str, str]
) -> None:
    invoice, other = shop.ask("10", "USDC"), shop.ask("10", "USDC")
    paid = odd.call(tokens["USDC"], "give(address,uint256)", invoice.option.address, TEN)
    odd.call(
        odd.place("OddToken"), "give(address,uint256)", other.option.address, TEN
    )  # its code, not listed here
    shop.finish()
    assert (shop.state(invoice).status, shop.state(invoice).tx_hash) == (InvoiceStatus.PAID, paid.tx_hash)
    assert shop.state(other).payments == ()
