"""Token deposits that are not what they seem, and those that are, on a real node."""

from datetime import timedelta
from functools import partial

import pytest

from cloudpay.alerts.service import alert_views
from cloudpay.alerts.states import AlertKind
from cloudpay.invoices.states import InvoiceException, InvoiceStatus
from cloudpay.invoices.strays import look_up
from cloudpay.payments.states import PaymentStatus
from cloudpay.payments.strays import STUCK
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.networks import FAUCET, TokenSpec
from cloudpay_devnet.oddities import Oddities
from tests.flows.realshop import RealShop

pytestmark = pytest.mark.flow

LARGEST = 2**256 - 1


@pytest.fixture
def token(shop: RealShop) -> str:
    """The contract of the listed OddToken."""
    contract = shop.gateway.chains.network("evm").asset("ODD").contract
    assert contract
    return contract


def test_f1_a_token_of_the_same_name_at_another_contract_is_not_income(
    shop: RealShop, chain: DevChain, odd: Oddities
) -> None:
    invoice, before = shop.ask(), shop.held()
    fake = chain.deploy_token(TokenSpec("USDT", "Tether USD", 6), salt="f1")
    assert odd.call(fake, "transfer(address,uint256)", invoice.option.address, 10_000_000).succeeded
    shop.finish()
    assert (shop.state(invoice).status, shop.state(invoice).payments) == (InvoiceStatus.PENDING, ())
    assert (shop.held(), shop.told(invoice)) == (before, [])


def test_f2_a_token_transfer_that_failed_is_not_income(shop: RealShop, chain: DevChain) -> None:
    invoice, before = shop.ask(), shop.held()
    poor = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
    assert not chain.wait_for(chain.transfer(poor, "USDT", invoice.option.address, 10_000_000)).succeeded
    shop.finish()
    assert (shop.state(invoice).payments, shop.held(), shop.told(invoice)) == ((), before, [])


def test_f3_a_token_that_says_no_by_its_answer_alone_is_not_income(
    shop: RealShop, odd: Oddities, token: str
) -> None:
    invoice, before = shop.ask("10", "ODD"), shop.held()
    assert odd.call(token, "transfer(address,uint256)", invoice.option.address, 10_000_000).succeeded
    shop.finish()
    assert (shop.state(invoice).payments, shop.held(), shop.told(invoice)) == ((), before, [])


def test_f4_call_data_that_say_transfer_to_a_contract_that_logs_nothing_are_not_income(
    shop: RealShop, odd: Oddities
) -> None:
    invoice, before = shop.ask(), shop.held()
    purse = odd.place(
        "Purse"
    )  # it has no such function: with a fallback for coins alone, it refuses the call
    nobody = "0x00000000000000000000000000000000000C0DE5"
    for contract in (purse, nobody):
        odd.call(contract, "transfer(address,uint256)", invoice.option.address, 10_000_000)
    shop.finish()
    assert (shop.state(invoice).payments, shop.held(), shop.told(invoice)) == ((), before, [])


def test_f5_an_approval_is_not_income(shop: RealShop, odd: Oddities, token: str) -> None:
    invoice, before = shop.ask("10", "ODD"), shop.held()
    assert odd.call(token, "approve(address,uint256)", invoice.option.address, 10_000_000).succeeded
    shop.finish()
    assert (shop.state(invoice).payments, shop.held(), shop.told(invoice)) == ((), before, [])


def test_f6_a_transfer_of_nothing_leaves_no_trace(shop: RealShop, chain: DevChain, odd: Oddities) -> None:
    invoice, before = shop.ask(), shop.held()
    usdt = str(chain.asset("USDT").token_address)
    planted = odd.call(
        usdt, "transferFrom(address,address,uint256)", chain.payer.address, invoice.option.address, 0,
        sender=FAUCET.address,
    )  # fmt: skip
    assert planted.succeeded
    shop.finish()
    assert (shop.answer(invoice)["payments"], shop.told(invoice), shop.held()) == ([], [], before)


def test_f7_what_a_third_party_moves_by_allowance_is_credited_once_and_its_from_is_the_payer(
    shop: RealShop, chain: DevChain, odd: Oddities
) -> None:
    invoice = shop.ask()
    usdt = str(chain.asset("USDT").token_address)
    odd.call(usdt, "approve(address,uint256)", FAUCET.address, 10_000_000)
    moved = odd.call(
        usdt, "transferFrom(address,address,uint256)", chain.payer.address, invoice.option.address, 10_000_000,
        sender=FAUCET.address,
    )  # fmt: skip
    shop.finish()
    [payment] = shop.answer(invoice)["payments"]
    assert (payment["tx_hash"], payment["sender"]) == (moved.tx_hash, chain.payer.address)
    assert (payment["status"], payment["amount"]) == ("final", "10.00")
    assert shop.statuses_told(invoice)[-1:] == ["paid"]


def test_f8_fifty_token_transfers_of_one_transaction_pay_fifty_times(shop: RealShop, chain: DevChain) -> None:
    invoices, before = [shop.ask("1") for _ in range(5)], shop.held()
    payments = [(each.option.address, 100_000) for each in invoices] * 10
    tx = chain.pay_many_tokens("USDT", payments)
    shop.finish()
    for invoice in invoices:
        paid = shop.state(invoice)
        assert (paid.status, paid.exception, paid.tx_hash) == (InvoiceStatus.PAID, None, tx)
        assert [each.amount for each in paid.payments] == [100_000] * 10
        assert len({each.id for each in paid.payments}) == 10
    assert shop.held() - before == 5_000_000


def test_f9_one_transaction_pays_two_invoices_in_tokens(shop: RealShop, chain: DevChain) -> None:
    first, second = shop.ask("3"), shop.ask("4")
    tx = chain.pay_many_tokens(
        "USDT", [(first.option.address, 3_000_000), (second.option.address, 4_000_000)]
    )
    shop.finish()
    assert [shop.state(each).tx_hash for each in (first, second)] == [tx, tx]
    assert [shop.state(each).status for each in (first, second)] == [InvoiceStatus.PAID] * 2


def test_f10_the_same_log_by_scan_rescan_and_restart_is_one_credit(shop: RealShop, chain: DevChain) -> None:
    invoice, before = shop.ask(), shop.held()
    receipt = chain.wait_for(chain.pay("USDT", invoice.option.address, 10_000_000))
    shop.look()
    assert shop.rescan(receipt.block_number, receipt.block_number) == 1
    shop.restart_watchers()
    shop.finish()
    assert shop.rescan(receipt.block_number, receipt.block_number) == 1
    shop.restart_watchers()
    shop.mine()
    assert [each.amount for each in shop.state(invoice).payments] == [10_000_000]
    assert shop.held() - before == 10_000_000
    assert shop.statuses_told(invoice).count("paid") == 1


def test_f18_the_largest_amounts_there_can_be_are_exact_everywhere(
    shop: RealShop, odd: Oddities, token: str
) -> None:
    invoice, before = shop.ask("10", "ODD"), shop.held(token)
    for _ in range(2):
        odd.call(token, "give(address,uint256)", invoice.option.address, LARGEST)
    shop.finish()
    answer = shop.answer(invoice)
    shown, twice = (f"{units // 10**6}.{units % 10**6:06}" for units in (LARGEST, 2 * LARGEST))
    assert [each["amount"] for each in answer["payments"]] == [shown, shown]
    assert (answer["status"], answer["exception"]) == ("paid", "overpaid")
    assert answer["received_amount"] == answer["confirmed_amount"] == twice.rstrip("0")
    paid = shop.told(invoice)[-1]
    assert (paid["status"], paid["exception"]) == ("paid", "overpaid")
    assert paid["received_amount"] == twice.rstrip("0")
    assert shop.held(token) - before == 2 * LARGEST
    assert shop.client.get("/api/invoice", headers=dict(shop.headers)).status_code == 200
    assert shop.client.get(f"/pay/{invoice.id}").status_code == 200


def test_f19_malformed_logs_are_skipped_and_the_next_one_is_read(
    shop: RealShop, odd: Oddities, token: str
) -> None:
    invoice, before = shop.ask("10", "ODD"), shop.held(token)
    assert odd.call(token, "malformed(address,uint256)", invoice.option.address, 10_000_000).succeeded
    shop.finish()
    assert (shop.state(invoice).payments, shop.told(invoice), shop.held(token)) == ((), [], before)
    odd.call(token, "give(address,uint256)", invoice.option.address, 10_000_000)
    shop.finish()
    assert shop.state(invoice).status is InvoiceStatus.PAID


def test_f12_a_listed_contracts_own_log_is_believed_even_where_nothing_arrives(
    shop: RealShop, odd: Oddities, token: str
) -> None:
    """Listing a contract is trusting it: whoever lists one that lies sets `verify_balance` for it."""
    invoice = shop.ask("10", "ODD")
    odd.call(token, "pretend(address,uint256)", invoice.option.address, 10_000_000)
    shop.finish()
    assert shop.state(invoice).status is InvoiceStatus.PAID


def test_f1_a_contract_that_runs_a_listed_tokens_code_logs_for_itself_alone(
    shop: RealShop, odd: Oddities, token: str
) -> None:
    invoice, before = shop.ask("10", "ODD"), shop.held(token)
    impostor = odd.place("TokenProxy", ["address"], [token])
    assert odd.call(impostor, "give(address,uint256)", invoice.option.address, 10_000_000).succeeded
    shop.finish()
    assert (shop.state(invoice).payments, shop.held(token)) == ((), before)


def test_f20_a_payment_in_a_token_that_is_paused_or_blocks_the_address_counts_and_is_named_as_stuck(
    shop: RealShop, chain: DevChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = shop.ask()
    chain.block_account("USDT", invoice.option.address)
    chain.pay("USDT", invoice.option.address, 10_000_000)
    chain.pause_token("USDT")
    shop.finish()
    assert shop.state(invoice).status is InvoiceStatus.PAID
    monkeypatch.setattr("cloudpay.payments.stuck._EVERY", timedelta())
    monkeypatch.setattr(shop.watchers["evm"]._stuck, "_due_at", None)
    shop.look()
    found = [each for each in alert_views(shop.gateway) if each.kind is AlertKind.TOKEN_STUCK]
    [alert] = [each for each in found if each.subject == "evm/USDT"]
    assert invoice.option.address in alert.sentence
    lifts = (
        partial(chain.pause_token, "USDT", paused=False),
        partial(chain.block_account, "USDT", invoice.option.address, blocked=False),
    )
    for lift in lifts:
        [stuck] = look_up(shop.gateway, invoice.id).strays
        assert (stuck.kind, stuck.symbol, stuck.amount) == (STUCK, "USDT", 10_000_000)
        lift()
    assert look_up(shop.gateway, invoice.id).strays == []


def test_a_payment_that_was_undone_inside_a_successful_transaction_is_not_income(
    shop: RealShop, odd: Oddities, chain: DevChain
) -> None:
    kept, undone = shop.ask("5"), shop.ask("5")
    payer, usdt = odd.place("HalfPayer"), str(chain.asset("USDT").token_address)
    chain.fund(payer, "USDT", 10_000_000)
    arguments = (usdt, kept.option.address, undone.option.address, 5_000_000)
    assert odd.call(payer, "payTokens(address,address,address,uint256)", *arguments).succeeded
    shop.finish()
    assert shop.state(kept).status is InvoiceStatus.PAID
    assert (shop.state(undone).status, shop.state(undone).payments) == (InvoiceStatus.PENDING, ())


def test_f22_dust_too_little_and_too_much_have_a_state_and_are_kept(shop: RealShop, chain: DevChain) -> None:
    dust, under, over = shop.ask(), shop.ask(), shop.ask()
    for invoice, units in ((dust, 1), (under, 9_999_999), (over, 10_000_001)):
        chain.pay("USDT", invoice.option.address, units)
    shop.finish()
    for invoice in (dust, under):
        found = shop.state(invoice)
        assert (found.status, found.exception) == (InvoiceStatus.PENDING, InvoiceException.UNDERPAID)
        assert [each.status for each in found.payments] == [PaymentStatus.FINAL]
    paid = shop.state(over)
    assert (paid.status, paid.exception) == (InvoiceStatus.PAID, InvoiceException.OVERPAID)
    assert shop.answer(dust)["received_amount"] == "0.000001"
