"""What came to a deposit address and is no payment is found on demand, and credited by nobody."""

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.cli import main, session
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.invoices.strays import look_up
from cloudpay.payments.strays import UNEXPLAINED, UNKNOWN_ASSET, strays
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.networks import FAUCET, TokenSpec
from cloudpay_devnet.oddities import Oddities
from tests.flows.databases import NewDatabase
from tests.flows.realshop import RealShop, network_table, open_real_shop

pytestmark = pytest.mark.flow

ETHER = 10**18
TEN = 10_000_000


@pytest.fixture(scope="module")
def shop(
    tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase, chain: DevChain
) -> Iterator[RealShop]:
    """A shop on two chains; ranges of two blocks have the look-up ask many times."""
    folder: Path = tmp_path_factory.mktemp("strays")
    with DevChain.start("bsc") as bsc:
        chains = {"evm": chain, "bsc": bsc}
        tables = {code: network_table(each, logs_range=2) for code, each in chains.items()}
        with open_real_shop(folder, new_database(), chains, tables) as opened:
            yield opened


def test_f1_a_token_that_is_not_listed_is_shown_on_demand_as_an_unknown_asset(
    shop: RealShop, chain: DevChain, odd: Oddities
) -> None:
    invoice, before = shop.ask(), shop.held()
    fake = chain.deploy_token(TokenSpec("USDT", "Tether USD", 6), salt="stray")
    sent = odd.call(fake, "transfer(address,uint256)", invoice.option.address, TEN)
    nameless = odd.place("OddToken", salt="stray")
    odd.call(nameless, "malformed(address,uint256)", invoice.option.address, TEN)
    chain.pay("USDT", invoice.option.address, 1)
    shop.finish()
    found = look_up(shop.gateway, invoice.id)
    assert found.problems == {}
    [stray] = found.strays
    assert (stray.network, stray.kind, stray.contract, stray.symbol) == ("evm", UNKNOWN_ASSET, fake, "USDT")
    assert (stray.amount, stray.decimals, stray.sender) == (TEN, 6, chain.payer.address)
    assert stray.tx_hash == sent.tx_hash
    assert [each.amount for each in shop.state(invoice).payments] == [1]
    assert shop.held() - before == 1


def test_f1_a_token_whose_name_would_play_tricks_is_shown_in_plain_letters(
    shop: RealShop, chain: DevChain, odd: Oddities
) -> None:
    invoice = shop.ask()
    name = "US\x1b[31mDT\u202e\n" + "x" * 100
    values = ["Tether USD", name, 255, False, FAUCET.address]
    tricky = odd.place("DevToken", ["string", "string", "uint8", "bool", "address"], values)
    odd.call(tricky, "mint(address,uint256)", invoice.option.address, 5, sender=FAUCET.address)
    [stray] = look_up(shop.gateway, invoice.id, "evm").strays
    assert stray.symbol == "US[31mDT" + "x" * 32
    assert (stray.decimals, stray.amount, stray.sender) == (None, 5, None)


def test_f22_coins_that_a_contract_sent_on_the_wrong_network_are_shown(shop: RealShop, odd: Oddities) -> None:
    invoice, bsc = shop.ask(), shop.chains["bsc"]
    watcher = shop.watchers.pop("bsc")  # its watcher has not come so far
    bsc.pay_through_contract(invoice.option.address, ETHER)
    bsc.pay("USDT", invoice.option.address, 3)
    shop.finish()
    found = look_up(shop.gateway, invoice.id)
    shop.watchers["bsc"] = watcher
    told = {(each.network, each.kind, each.symbol, each.amount) for each in found.strays}
    assert told == {("bsc", UNEXPLAINED, "BNB", ETHER), ("bsc", UNEXPLAINED, "USDT", 3)}
    shop.finish()
    assert look_up(shop.gateway, invoice.id).strays == []
    assert shop.state(invoice).status is InvoiceStatus.PENDING


def test_f11_the_fees_of_a_block_that_no_trace_tells_of_are_shown(shop: RealShop, chain: DevChain) -> None:
    invoice, fees = shop.ask("1", "ETH"), chain.node.rpc.text("eth_coinbase")
    chain.node.rpc.call("anvil_setCoinbase", invoice.option.address)
    chain.pay("USDT", chain.payer.address, 1)
    chain.node.rpc.call("anvil_setCoinbase", fees)
    shop.finish()
    [stray] = look_up(shop.gateway, invoice.id).strays
    assert (stray.kind, stray.contract) == (UNEXPLAINED, None)
    assert stray.amount == chain.balance("ETH", invoice.option.address)


def test_a_look_up_of_long_ago_begins_at_the_block_of_that_time(
    shop: RealShop, chain: DevChain, odd: Oddities
) -> None:
    invoice = shop.ask()
    fake = chain.deploy_token(TokenSpec("USDC", "USD Coin", 6), salt="long ago")
    odd.call(fake, "transfer(address,uint256)", invoice.option.address, TEN)
    since = shop.clock.moment - timedelta(days=900)
    assert [each.contract for each in strays(shop.gateway, "evm", invoice.option.address, since)] == [fake]


def test_a_network_that_does_not_answer_is_named_and_the_others_are_looked_at(
    shop: RealShop, chain: DevChain, odd: Oddities, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = shop.ask()

    def silent() -> None:
        raise NodeUnavailable("bsc", "connection refused")

    monkeypatch.setattr(shop.gateway.chains.adapter("bsc"), "head", silent)
    found = look_up(shop.gateway, invoice.id)
    assert list(found.problems) == ["bsc"]
    assert "connection refused" in found.problems["bsc"]
    assert found.strays == []


def test_the_command_shows_amounts_as_decimals(
    shop: RealShop,
    chain: DevChain,
    odd: Oddities,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    invoice = shop.ask()
    fake = chain.deploy_token(TokenSpec("USDT", "Tether USD", 6), salt="command")
    odd.call(fake, "transfer(address,uint256)", invoice.option.address, TEN)
    monkeypatch.setenv("CLOUDPAY_DATA_DIR", shop.gateway.settings.data_dir)
    monkeypatch.setattr(session, "open_gateway", lambda _settings, process: shop.gateway)
    monkeypatch.setattr(session, "close_gateway", lambda _gateway: None)
    monkeypatch.setattr(sys, "argv", ["cloudpay", "invoice", "look-up", invoice.id, "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    [row] = json.loads(capsys.readouterr().out)
    assert (row["kind"], row["symbol"], row["amount"]) == ("unknown asset", "USDT", "10.00")
