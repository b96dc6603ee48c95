"""Money that went astray: late, in another asset, on another network, or moved by ourselves."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete
from sqlalchemy.orm import Session

from cloudpay.chains.errors import WrongDecimals
from cloudpay.invoices.states import InvoiceException, InvoiceStatus
from cloudpay.invoices.strays import look_up
from cloudpay.payments.models import BlockRow, NetworkRow
from cloudpay.payments.strays import OWN
from cloudpay.wallets.service import master_address
from cloudpay_devnet.chain import DevChain
from tests.flows.databases import NewDatabase
from tests.flows.realshop import RealShop, network_table, open_real_shop

pytestmark = pytest.mark.flow

ETHER = 10**18
OTHER_NETWORK = "it came in another asset or on another network than this invoice asks for"


@pytest.fixture(scope="module", params=["on", "off"], ids=["by-traces", "by-balances"])
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase
) -> Iterator[RealShop]:
    """A shop on two chains of its own, whose deposit addresses are the same on both."""
    folder: Path = tmp_path_factory.mktemp("astray")
    with DevChain.start("evm") as evm, DevChain.start("bsc") as bsc:
        chains = {"evm": evm, "bsc": bsc}
        tables = {code: network_table(each, traces=request.param) for code, each in chains.items()}
        with open_real_shop(folder, new_database(), chains, tables) as opened:
            yield opened


def pay_from(shop: RealShop, sender: str, to: str, units: int) -> str:
    """Send coins from an address whose key only we hold."""
    node = shop.chain.node
    node.rpc.call("anvil_impersonateAccount", sender)
    request = {"from": sender, "to": to, "value": hex(units), "gas": hex(21_000)}
    tx = node.rpc.text("eth_sendTransaction", request)
    shop.chain.wait_for(tx)
    return tx


def test_f17_usdt_has_18_decimals_on_bsc_and_6_on_ethereum_and_either_is_exact(shop: RealShop) -> None:
    for code, units in (("evm", 12_345_678), ("bsc", 12_345_678_901_234_567_890)):
        invoice = shop.ask("12.345678", "USDT", code)
        asset = shop.gateway.chains.network(code).asset("USDT").contract
        before = shop.held(asset)
        shop.chains[code].pay("USDT", invoice.option.address, units)
        shop.finish()
        assert shop.state(invoice).status is InvoiceStatus.PAID
        assert shop.held(asset) - before == units
        shown = {"evm": "12.345678", "bsc": "12.34567890123456789"}[code]
        assert shop.answer(invoice)["received_amount"] == shown


def test_f17_settings_that_disagree_with_the_chain_stop_the_start(shop: RealShop, tmp_path: Path) -> None:
    wrong = network_table(shop.chain)
    wrong["assets"]["USDT"]["decimals"] = 18
    with (
        pytest.raises(WrongDecimals, match="USDT"),
        open_real_shop(tmp_path, f"sqlite:///{tmp_path / 'wrong.db'}", {"evm": shop.chain}, {"evm": wrong}),
    ):
        pass


def test_f22_a_late_payment_is_kept_shown_and_told_and_does_not_pay(shop: RealShop) -> None:
    invoice, before = shop.ask(), shop.held()
    shop.advance(timedelta(hours=2))
    shop.mine()
    assert shop.state(invoice).status is InvoiceStatus.EXPIRED
    tx = shop.chain.pay("USDT", invoice.option.address, 10_000_000)
    shop.finish()
    answer = shop.answer(invoice)
    assert (answer["status"], answer["exception"]) == ("expired", "late")
    assert [(each["tx_hash"], each["status"]) for each in answer["payments"]] == [(tx, "final")]
    assert [(each["status"], each["exception"]) for each in shop.told(invoice)] == [
        ("expired", None),
        ("expired", "late"),
    ]
    assert shop.held() - before == 10_000_000


def test_f22_the_wrong_asset_is_kept_named_and_does_not_pay(shop: RealShop) -> None:
    tokens, coins = shop.ask("10", "USDT"), shop.ask("1", "ETH")
    tx = shop.chain.pay("ETH", tokens.option.address, ETHER)
    shop.chain.pay("USDT", coins.option.address, 1_000_000)
    shop.finish()
    for invoice, symbol in ((tokens, "ETH"), (coins, "USDT")):
        answer = shop.answer(invoice)
        assert (answer["status"], answer["received_amount"]) == ("pending", "0.00")
        assert [(each["currency"], each["amount"]) for each in answer["payments"]] == [(symbol, "1.00")]
        assert OTHER_NETWORK in answer["warnings"][0]
    assert shop.answer(tokens)["payments"][0]["tx_hash"] == tx


def test_f22_the_right_address_on_the_wrong_network_is_kept_named_and_does_not_pay(shop: RealShop) -> None:
    invoice, coins = shop.ask("10", "USDT", "evm"), shop.ask("1", "ETH", "evm")
    asset = shop.gateway.chains.network("bsc").asset("USDT").contract
    before = shop.held(asset), shop.held("")
    astray = shop.chains["bsc"].pay("USDT", invoice.option.address, 10 * 10**18)
    shop.chains["bsc"].pay("BNB", coins.option.address, ETHER)
    shop.finish()
    answer = shop.answer(invoice)
    assert (answer["status"], answer["received_amount"]) == ("pending", "0.00")
    [payment] = answer["payments"]
    assert (payment["network"], payment["currency"], payment["tx_hash"]) == ("bsc", "USDT", astray)
    assert (payment["amount"], payment["status"]) == ("10.00", "final")
    assert OTHER_NETWORK in answer["warnings"][0]
    assert [each["network"] for each in shop.answer(coins)["payments"]] == ["bsc"]
    assert (shop.held(asset), shop.held("")) == (before[0] + 10 * 10**18, before[1] + ETHER)
    shop.chains["evm"].pay("USDT", invoice.option.address, 10_000_000)
    shop.finish()
    assert shop.answer(invoice)["status"] == "paid"


def forget_network(session: Session, code: str) -> None:
    """Have nobody ever have read a network, as before it was configured."""
    session.execute(delete(NetworkRow).where(NetworkRow.code == code))
    session.execute(delete(BlockRow).where(BlockRow.network == code))


def test_f22_money_on_a_network_that_is_configured_later_is_found_by_reading_its_blocks_again(
    shop: RealShop,
) -> None:
    invoice, bsc = shop.ask("10", "USDT", "evm"), shop.chains["bsc"]
    paid = bsc.wait_for(bsc.pay("USDT", invoice.option.address, 10 * 10**18))
    bsc.node.mine(5)
    shop.gateway.db.run(lambda session: forget_network(session, "bsc"))
    shop.verify()  # a network that nobody has read begins at its newest block
    shop.finish()
    assert shop.state(invoice).payments == ()
    assert replace(shop, code="bsc").rescan(paid.block_number, paid.block_number) == 1
    shop.finish()
    [payment] = shop.answer(invoice)["payments"]
    assert (payment["network"], payment["tx_hash"], payment["status"]) == ("bsc", paid.tx_hash, "final")


def test_f23_what_a_merchants_own_deposit_address_sends_to_another_is_no_income(shop: RealShop) -> None:
    first, second = shop.ask("1", "ETH"), shop.ask("1", "ETH")
    shop.chain.pay("ETH", first.option.address, 2 * ETHER)
    shop.finish()
    before = shop.held("")
    pay_from(shop, first.option.address, second.option.address, ETHER)
    shop.finish()
    shop.mine(3)
    assert (shop.state(second).payments, shop.held("")) == ((), before)


def test_f23_a_top_up_from_the_merchants_master_wallet_is_no_income(shop: RealShop) -> None:
    invoice, before = shop.ask("1", "ETH"), shop.held("")
    master = master_address(shop.gateway, shop.gateway.chains.network("evm"), 0)
    shop.chain.fund(master, "ETH", 2 * ETHER)
    pay_from(shop, master, invoice.option.address, ETHER)
    shop.finish()
    shop.mine(3)
    assert (shop.state(invoice).payments, shop.held("")) == ((), before + ETHER)
    [stray] = look_up(shop.gateway, invoice.id).strays
    assert (stray.kind, stray.symbol, stray.amount) == (OWN, "ETH", ETHER)
    shop.chain.pay_through_contract(invoice.option.address, ETHER)
    shop.finish()
    shop.mine(3)
    assert shop.state(invoice).status is InvoiceStatus.PAID
    assert shop.held("") - before == 2 * ETHER


def test_f23_what_another_merchants_deposit_address_sends_is_income(shop: RealShop) -> None:
    other = shop.another_merchant()
    theirs, ours = shop.ask("1", "ETH", principal=other), shop.ask("1", "ETH")
    shop.chain.pay("ETH", theirs.option.address, 2 * ETHER)
    shop.finish()
    tx = pay_from(shop, theirs.option.address, ours.option.address, ETHER)
    shop.finish()
    assert (shop.state(ours).status, shop.state(ours).tx_hash) == (InvoiceStatus.PAID, tx)
    assert shop.state(theirs, other).exception is InvoiceException.OVERPAID
