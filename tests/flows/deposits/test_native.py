"""Native coins by every way that the chain has, found by traces and, where a node has none, by balances."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudpay.invoices.states import InvoiceStatus
from cloudpay.invoices.views import InvoiceView
from cloudpay.payments.states import PaymentStatus
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.contracts import call_data
from cloudpay_devnet.deploying import forwarder_deployment
from cloudpay_devnet.faultproxy.faults.limits import NoTraces
from cloudpay_devnet.faultproxy.proxy import FaultProxy
from cloudpay_devnet.oddities import DELEGATOR, Oddities
from tests.flows.databases import NewDatabase
from tests.flows.realshop import RealShop, network_table, open_real_shop

pytestmark = pytest.mark.flow

ETHER = 10**18


WAYS = ("flat traces", "call traces", "balances")


@pytest.fixture(scope="module", params=WAYS)
def shop(
    request: pytest.FixtureRequest,
    chain: DevChain,
    tmp_path_factory: pytest.TempPathFactory,
    new_database: NewDatabase,
) -> Iterator[RealShop]:
    """A shop for each way in which a node shows what contracts send, or does not; each with addresses of its own."""
    folder: Path = tmp_path_factory.mktemp("native")
    with FaultProxy(chain.node.rpc_url) as proxy:
        if request.param == "call traces":
            proxy.switch_on(NoTraces(), methods=["trace_block"])
        traces = "off" if request.param == "balances" else "on"
        table = network_table(chain, traces=traces, rpc_urls=[proxy.url])
        wallet = WAYS.index(request.param)
        with open_real_shop(folder, new_database(), {"evm": chain}, {"evm": table}, wallet=wallet) as opened:
            yield opened
        asked = set(proxy.methods()) & {"trace_block", "debug_traceBlockByHash"}
        assert ("debug_traceBlockByHash" in asked) == (request.param == "call traces")


def traced(shop: RealShop) -> bool:
    """Whether this shop's node shows traces."""
    table = shop.gateway.settings.networks["evm"]
    return bool(table["traces"] == "on")


def require_paid(shop: RealShop, invoice: InvoiceView, tx: str, amounts: list[int]) -> None:
    """It is paid, once, by so many transfers; the transaction is named where traces tell it."""
    before = shop.held("")
    shop.finish()
    paid = shop.state(invoice)
    assert (paid.status, paid.exception) == (InvoiceStatus.PAID, None)
    assert paid.tx_hash == (tx if traced(shop) else None)
    found = [each.amount for each in paid.payments]
    assert found == (amounts if traced(shop) else [sum(amounts)])
    assert {each.status for each in paid.payments} == {PaymentStatus.FINAL}
    shop.mine(3)
    assert shop.held("") - before == sum(amounts)
    assert shop.statuses_told(invoice).count("paid") == 1


def require_nothing(shop: RealShop, invoice: InvoiceView) -> None:
    """Nothing was recorded, booked or told."""
    before = shop.held("")
    shop.finish()
    assert (shop.state(invoice).status, shop.state(invoice).payments) == (InvoiceStatus.PENDING, ())
    assert (shop.told(invoice), shop.held("")) == ([], before)


def test_a_plain_transfer_is_named_with_its_transaction_either_way(shop: RealShop, chain: DevChain) -> None:
    invoice = shop.ask("1", "ETH")
    tx = chain.pay("ETH", invoice.option.address, ETHER)
    shop.finish()
    assert [(each.tx_hash, each.amount) for each in shop.state(invoice).payments] == [(tx, ETHER)]
    assert shop.state(invoice).status is InvoiceStatus.PAID


def test_f2_coins_of_a_failed_transaction_are_not_income(
    shop: RealShop, chain: DevChain, odd: Oddities
) -> None:
    invoice = shop.ask("1", "ETH")
    chain.node.rpc.call(
        "anvil_setCode", invoice.option.address, "0x60006000fd"
    )  # an address that takes no coins
    failed = odd.call(invoice.option.address, "anything()", value=ETHER)
    chain.node.rpc.call("anvil_setCode", invoice.option.address, "0x")
    assert not failed.succeeded
    require_nothing(shop, invoice)


def test_f11_coins_through_a_contract(shop: RealShop, chain: DevChain) -> None:
    invoice = shop.ask("1", "ETH")
    tx = chain.pay_through_contract(invoice.option.address, ETHER)
    require_paid(shop, invoice, tx, [ETHER])


def test_f11_coins_of_a_contract_that_destroys_itself(shop: RealShop, chain: DevChain, odd: Oddities) -> None:
    invoice, purse = shop.ask("1", "ETH"), odd.place("Purse")
    chain.pay("ETH", purse, ETHER)
    tx = odd.call(purse, "spill(address)", invoice.option.address).tx_hash
    require_paid(shop, invoice, tx, [ETHER])


def test_f11_coins_of_a_contract_that_destroys_itself_at_birth(shop: RealShop, chain: DevChain) -> None:
    invoice = shop.ask("1", "ETH")
    tx = chain.pay_through_contract(invoice.option.address, ETHER, "sendBySelfdestruct")
    require_paid(shop, invoice, tx, [ETHER])


@pytest.mark.parametrize("contract", ["Newborn", "Bomb"])
def test_f11_coins_from_the_constructor_of_a_transaction_without_a_receiver(
    shop: RealShop, odd: Oddities, contract: str
) -> None:
    invoice = shop.ask("1", "ETH")
    made = odd.pay_at_birth(invoice.option.address, ETHER, contract)
    assert made.succeeded
    require_paid(shop, invoice, made.tx_hash, [ETHER])


def test_f11_coins_of_a_delegated_sender_in_the_transaction_that_delegates(
    shop: RealShop, odd: Oddities
) -> None:
    invoice, code = shop.ask("1", "ETH"), forwarder_deployment().address
    sent = odd.send_delegated(call_data("send(address)", invoice.option.address), ETHER, code)
    assert sent.succeeded
    require_paid(shop, invoice, sent.tx_hash, [ETHER])


def test_f11_coins_of_a_delegated_account_that_somebody_else_calls(shop: RealShop, odd: Oddities) -> None:
    invoice, code = shop.ask("1", "ETH"), forwarder_deployment().address
    assert odd.send_delegated("0x", 0, code, to="0x00000000000000000000000000000000000C0DE7").succeeded
    sent = odd.call(DELEGATOR.address, "send(address)", invoice.option.address, value=ETHER)
    assert sent.succeeded
    require_paid(shop, invoice, sent.tx_hash, [ETHER])


def test_f11_a_delegated_account_pays_as_any_other(shop: RealShop, chain: DevChain, odd: Oddities) -> None:
    invoice, code = shop.ask("1", "ETH"), forwarder_deployment().address
    sent = odd.send_delegated("0x", ETHER, code, to=invoice.option.address)
    shop.finish()
    [payment] = shop.state(invoice).payments
    assert (payment.tx_hash, payment.sender, payment.amount) == (sent.tx_hash, DELEGATOR.address, ETHER)
    assert shop.state(invoice).status is InvoiceStatus.PAID


def test_f8_fifty_transfers_of_coins_in_one_transaction(shop: RealShop, chain: DevChain) -> None:
    first, second = shop.ask("25", "ETH"), shop.ask("25", "ETH")
    tx = chain.pay_many_through_contract([(first.option.address, ETHER), (second.option.address, ETHER)] * 25)
    before = shop.held("")
    shop.finish()
    for invoice in (first, second):
        paid = shop.state(invoice)
        assert (paid.status, paid.exception) == (InvoiceStatus.PAID, None)
        assert sum(each.amount for each in paid.payments) == 25 * ETHER
        assert len(paid.payments) == (25 if traced(shop) else 1)
        assert paid.tx_hash == (tx if traced(shop) else None)
    assert shop.held("") - before == 50 * ETHER


def test_f9_one_transaction_pays_two_invoices_in_coins(shop: RealShop, chain: DevChain) -> None:
    first, second = shop.ask("1", "ETH"), shop.ask("2", "ETH")
    chain.pay_many_through_contract([(first.option.address, ETHER), (second.option.address, 2 * ETHER)])
    shop.finish()
    assert [shop.state(each).status for each in (first, second)] == [InvoiceStatus.PAID] * 2


def test_f11_coins_whose_transfer_was_undone_inside_are_not_income(shop: RealShop, chain: DevChain) -> None:
    invoice = shop.ask("1", "ETH")
    assert chain.wait_for(chain.pay_through_contract(invoice.option.address, ETHER, "sendThenUndo")).succeeded
    require_nothing(shop, invoice)


def test_f11_of_a_transaction_that_is_half_undone_the_other_half_counts(
    shop: RealShop, odd: Oddities
) -> None:
    kept, undone = shop.ask("1", "ETH"), shop.ask("1", "ETH")
    arguments = (kept.option.address, undone.option.address)
    half = odd.call(odd.place("HalfPayer"), "pay(address,address)", *arguments, value=2 * ETHER)
    assert half.succeeded
    require_paid(shop, kept, half.tx_hash, [ETHER])
    require_nothing(shop, undone)


@pytest.mark.parametrize("how", ["byDelegatecall", "byCallcode", "byStaticcall", "withoutCoins"])
def test_f11_a_call_that_names_an_address_and_a_value_and_moves_nothing_is_not_income(
    shop: RealShop, odd: Oddities, how: str
) -> None:
    invoice = shop.ask("1", "ETH")
    assert odd.call(odd.place("Pretender"), f"{how}(address)", invoice.option.address, value=ETHER).succeeded
    require_nothing(shop, invoice)


def test_f10_coins_from_a_contract_by_scan_rescan_and_restart_are_one_credit(
    shop: RealShop, chain: DevChain
) -> None:
    invoice, before = shop.ask("1", "ETH"), shop.held("")
    height = chain.wait_for(chain.pay_through_contract(invoice.option.address, ETHER)).block_number
    shop.look()
    shop.rescan(height, height)
    shop.restart_watchers()
    shop.finish()
    shop.rescan(height, height)
    shop.restart_watchers()
    shop.mine()
    assert [each.amount for each in shop.state(invoice).payments] == [ETHER]
    assert shop.held("") - before == ETHER
    assert shop.statuses_told(invoice).count("paid") == 1


def test_f11_the_fees_of_a_block_are_found_by_their_balance_alone(shop: RealShop, chain: DevChain) -> None:
    """No transfer and no trace tells of a block's reward; `cloudpay invoice look-up` names what traces leave out."""
    invoice = shop.ask("1", "ETH")
    fees = chain.node.rpc.text("eth_coinbase")
    chain.node.rpc.call("anvil_setCoinbase", invoice.option.address)
    chain.pay("USDT", chain.payer.address, 1)
    chain.node.rpc.call("anvil_setCoinbase", fees)
    earned = chain.balance("ETH", invoice.option.address)
    assert earned > 0
    shop.finish()
    assert [each.amount for each in shop.state(invoice).payments] == ([] if traced(shop) else [earned])


def test_f18_more_coins_than_there_are_is_still_exact(shop: RealShop, chain: DevChain, odd: Oddities) -> None:
    invoice, purse, units = shop.ask("1", "ETH"), odd.place("Purse"), 2**255 + 1
    chain.node.set_balance(purse, units)
    odd.call(purse, "spill(address)", invoice.option.address)
    before = shop.held("")
    shop.finish()
    answer = shop.answer(invoice)
    assert answer["received_amount"] == f"{units // ETHER}.{units % ETHER:018}"
    assert (answer["status"], answer["exception"]) == ("paid", "overpaid")
    assert shop.held("") - before == units
