"""A shop that is paid on TRON: what is seen, what is paid, and what is no payment."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from cloudpay.invoices.states import InvoiceStatus
from cloudpay.payments.states import PaymentStatus
from tests.conformance.tron_world import TronWorld, open_world
from tests.flows.databases import NewDatabase
from tests.flows.realshop import RealShop, open_real_shop

pytestmark = pytest.mark.flow

UNIT = 10**6


@pytest.fixture(scope="module")
def world() -> Iterator[TronWorld]:
    with open_world() as world:
        yield world


@pytest.fixture(scope="module")
def shop(
    world: TronWorld, tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase
) -> Iterator[RealShop]:
    """A shop on a chain that mines when it is told."""
    folder: Path = tmp_path_factory.mktemp("tron")
    table = {**world.table(), "live": False, "stalled_after_seconds": 86_400}
    chains = {"tron": cast("Any", world)}
    with open_real_shop(folder, new_database(), chains, {"tron": table}) as opened:
        yield opened


@pytest.mark.parametrize("currency", ["TRX", "USDT"])
def test_f15_what_is_in_a_block_is_seen_and_paid_only_when_that_is_solid(
    shop: RealShop, world: TronWorld, currency: str
) -> None:
    invoice = shop.ask("10", currency)
    contract = world.token.contract if world.token and currency == "USDT" else None
    world.send(invoice.option.address, 10 * UNIT, contract)
    shop.mine()
    [payment] = shop.state(invoice).payments
    assert (payment.amount, payment.status) == (10 * UNIT, PaymentStatus.CONFIRMING)
    shop.mine(18)
    assert shop.state(invoice).status is not InvoiceStatus.PAID
    assert "paid" not in shop.statuses_told(invoice)
    shop.mine()
    assert shop.state(invoice).status is InvoiceStatus.PAID
    assert shop.statuses_told(invoice).count("paid") == 1


def test_trx_that_a_contract_sends_pays_an_invoice(shop: RealShop, world: TronWorld) -> None:
    invoice = shop.ask("3", "TRX")
    world.send_through_contract(invoice.option.address, 3 * UNIT)
    shop.mine(20)
    assert shop.state(invoice).status is InvoiceStatus.PAID


def test_f16_energy_that_is_lent_to_a_deposit_address_pays_nothing(shop: RealShop, world: TronWorld) -> None:
    invoice, before = shop.ask("1000", "TRX"), shop.held("")
    world.node.fault("lent", address=invoice.option.address, sun=1000 * UNIT)
    try:
        world.send_through_contract(world.new_address(), 1)
        shop.mine(20)
    finally:
        world.node.heal()
    assert shop.state(invoice).payments == ()
    assert shop.held("") == before


def test_f13_what_failed_or_is_another_token_pays_nothing(shop: RealShop, world: TronWorld) -> None:
    invoice = shop.ask("5", "USDT")
    assert world.token
    world.send(invoice.option.address, 5 * UNIT, world.token.contract, fails=True)
    world.send(invoice.option.address, 5 * UNIT, fails=True)
    world.send(invoice.option.address, 5 * UNIT, world.lookalike)
    shop.mine(20)
    assert shop.state(invoice).payments == ()


def test_f30_a_payment_that_a_fork_drops_is_credited_once_where_it_comes_back(
    shop: RealShop, world: TronWorld
) -> None:
    invoice, before = shop.ask("7", "TRX"), shop.held("")
    world.send(invoice.option.address, 7 * UNIT)
    shop.mine(2)
    assert [each.status for each in shop.state(invoice).payments] == [PaymentStatus.CONFIRMING]
    world.reorg(2)
    shop.look()
    shop.mine(25)
    paid = [each for each in shop.state(invoice).payments if each.status is PaymentStatus.FINAL]
    assert [each.amount for each in paid] == [7 * UNIT]
    assert shop.held("") - before == 7 * UNIT
