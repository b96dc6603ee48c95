"""What leaves an address of ours: signed by us, by a person who has the keys too, or by a thief."""

from cloudpay.alerts.service import clear_by_hand
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.ledger.types import AccountKind
from tests.cloudpay.payments.outside import ETHER, booked, fund, master, rows, sign, spends_told, why_frozen
from tests.cloudpay.shop import Shop


def test_what_leaves_a_master_wallet_unsigned_by_us_is_booked_told_and_freezes_the_network(
    shop: Shop,
) -> None:
    fund(shop, 2 * ETHER)
    tx = shop.chain.send("an exchange", ETHER, sender=master(shop))
    shop.mine(1)
    [alert] = spends_told(shop)
    assert (alert.subject, why_frozen(shop)) == (f"{shop.code}/{tx}", alert.sentence)
    assert f"1.00 ETH left the master wallet {master(shop)}" in alert.sentence
    shop.mine(3)
    assert booked(shop, AccountKind.MASTER) == ETHER
    assert booked(shop, AccountKind.FUNDING) == -ETHER


def test_what_we_signed_leaves_without_an_alarm(shop: Shop) -> None:
    fund(shop, 2 * ETHER)
    sign(shop, shop.chain.send("somebody", ETHER, sender=master(shop)))
    shop.mine(4)
    assert not why_frozen(shop)
    assert not spends_told(shop)
    assert len(rows(shop)) == 1


def test_it_is_told_once_however_often_it_is_read(shop: Shop) -> None:
    fund(shop, 2 * ETHER)
    shop.chain.send("an exchange", ETHER, sender=master(shop))
    shop.mine(1)
    shop.chain.reorg(1)
    shop.mine(4)
    [alert] = spends_told(shop)
    clear_by_hand(shop.gateway, alert.id, actor="cli:test")
    shop.rescan(1, shop.chain.height)
    assert not spends_told(shop)
    assert booked(shop, AccountKind.MASTER) == ETHER


def test_coins_that_a_person_collected_by_hand_are_booked_in_the_master_wallet(shop: Shop) -> None:
    invoice = shop.ask("2", "ETH")
    shop.chain.send(invoice.option.address, 2 * ETHER)
    shop.mine(4)
    shop.chain.send(master(shop), ETHER, sender=invoice.option.address)
    shop.mine(4)
    assert (shop.held(), booked(shop, AccountKind.MASTER)) == (ETHER, ETHER)
    assert booked(shop, AccountKind.FUNDING) == 0
    assert "left the deposit address" in why_frozen(shop)
    assert shop.state(invoice).status is InvoiceStatus.PAID


def test_f23_coins_that_a_person_sent_from_the_master_wallet_to_a_deposit_address_are_no_income(
    shop: Shop,
) -> None:
    fund(shop, 2 * ETHER)
    invoice = shop.ask("1", "ETH")
    shop.chain.send(invoice.option.address, ETHER, sender=master(shop))
    shop.mine(4)
    assert shop.state(invoice).payments == ()
    assert (shop.held(), booked(shop, AccountKind.MASTER)) == (ETHER, ETHER)
    assert booked(shop, AccountKind.RECEIPTS) == 0


def test_f31_a_collection_by_hand_that_a_deep_reorganisation_drops_is_booked_back(shop: Shop) -> None:
    invoice = shop.ask("1", "ETH")
    shop.chain.send(invoice.option.address, 2 * ETHER)
    shop.mine(4)
    tx = shop.chain.send(master(shop), ETHER, sender=invoice.option.address)
    shop.mine(4)
    assert (shop.held(), booked(shop, AccountKind.MASTER)) == (ETHER, ETHER)
    shop.chain.reorg(4, drop=[tx])
    shop.look()
    assert (shop.held(), booked(shop, AccountKind.MASTER)) == (2 * ETHER, 0)


def test_a_wallet_that_pays_itself_has_what_it_had(shop: Shop) -> None:
    fund(shop, 2 * ETHER)
    shop.chain.send(master(shop), ETHER, sender=master(shop))
    shop.mine(4)
    assert booked(shop, AccountKind.MASTER) == 2 * ETHER
    assert why_frozen(shop)
