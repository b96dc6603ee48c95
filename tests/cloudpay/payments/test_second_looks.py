"""A block whose balances are looked at twice, with a fee of ours that became known in between."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import pytest

from cloudpay.chains.types import BlockRef, Capability, Holding
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.invoices.views import InvoiceView
from cloudpay.payments.states import PaymentStatus
from cloudpay.payments.watcher import Watcher
from cloudpay.testing import FixedClock
from cloudpay.wallets.own import PaidFee, note_fees, note_own
from cloudpay.wallets.service import master_address
from tests.cloudpay.shop import Shop

ETHER = 10**18
HALF = ETHER // 2


@pytest.fixture
def blind(shop: Shop) -> Shop:
    """The shop on a node that shows no traces, with some blocks."""
    shop.chain.capabilities = Capability.TOKENS | Capability.HISTORY
    shop.mine(5)
    return shop


@dataclass(frozen=True)
class Swept:
    """An invoice that was paid, and whose address was emptied by a sweep whose fee nobody has noted yet."""

    invoice: InvoiceView
    fee: PaidFee

    def note(self, shop: Shop) -> None:
        """Do as the sender does when the sweep is final."""
        shop.gateway.db.run(lambda session: note_fees(session, [self.fee]))

    def amounts(self, shop: Shop) -> list[int]:
        """What came in, payment by payment."""
        return [each.amount for each in shop.state(self.invoice).payments]


def sweep(shop: Shop, invoice: InvoiceView) -> Swept:
    """Pay an invoice natively, sweep it, and have it paid again by a contract: the newest block, which was read."""
    address = invoice.option.address
    shop.chain.send(address, ETHER)
    shop.mine()
    shop.mine(3)
    master = master_address(shop.gateway, shop.gateway.chains.network(shop.code), 0)
    tx = shop.chain.send(master, ETHER - 2_000, sender=address)
    shop.gateway.db.run(lambda session: note_own(session, shop.code, [tx]))
    shop.mine()
    held = Holding(address, None)
    fee = 2_000 - shop.chain.balances([held], shop.chain.head().latest.ref)[held]
    assert fee > 0
    swept = Swept(invoice, PaidFee(shop.code, tx, "spd_1", address, fee, shop.chain.height))
    shop.chain.send(address, HALF, via_contract=True)
    shop.mine()
    assert swept.amounts(shop) == [ETHER, HALF - fee], "the fee is not known yet"
    return swept


def restart(shop: Shop) -> None:
    shop.watcher = Watcher(shop.gateway, shop.watcher.network, shop.watcher.adapter, shop.watcher.keeper)


def test_what_a_second_look_at_a_block_finds_beyond_the_first_belongs_to_the_same_payment(
    blind: Shop,
) -> None:
    swept = sweep(blind, blind.ask("1", "ETH"))
    swept.note(blind)
    restart(blind)
    blind.look()
    assert swept.amounts(blind) == [ETHER, HALF]
    blind.mine(4)
    assert swept.amounts(blind) == [ETHER, HALF]
    assert blind.earned() == ETHER + HALF


def test_what_was_credited_before_a_second_look_is_booked_back_and_anew(
    blind: Shop, clock: FixedClock
) -> None:
    """The look after the expiry asks for the last block before it again."""
    invoice = blind.ask("1", "ETH")
    clock.advance(timedelta(minutes=59))
    swept = sweep(blind, invoice)
    swept.note(blind)
    clock.advance(timedelta(minutes=2))
    blind.chain.mine(4)
    blind.look()
    [_, second] = blind.state(invoice).payments
    assert (second.amount, second.status) == (HALF, PaymentStatus.FINAL)
    assert blind.earned() == ETHER + HALF
    assert blind.state(invoice).status is InvoiceStatus.PAID


def test_the_look_after_the_expiry_at_the_last_block_before_it_is_done_once(
    blind: Shop, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = blind.ask("1", "ETH")
    clock.advance(timedelta(minutes=59))
    swept = sweep(blind, invoice)
    swept.note(blind)
    last, asked = blind.chain.height, list[int]()
    balances = blind.chain.balances

    def counted(holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        asked.append(at.height)
        return balances(holdings, at)

    monkeypatch.setattr(blind.chain, "balances", counted)
    clock.advance(timedelta(minutes=2))
    for _ in range(4):
        blind.mine()
    assert asked.count(last) == 1


def test_a_deep_reorganisation_takes_back_all_that_a_second_look_has_added(
    blind: Shop, clock: FixedClock
) -> None:
    invoice = blind.ask("1", "ETH")
    clock.advance(timedelta(minutes=59))
    swept = sweep(blind, invoice)
    swept.note(blind)
    clock.advance(timedelta(minutes=2))
    blind.chain.mine(4)
    blind.look()
    assert swept.amounts(blind) == [ETHER, HALF]
    blind.chain.reorg(5, remine=False)
    blind.look()
    assert swept.amounts(blind) == [ETHER]
    assert blind.earned() == ETHER


def test_what_is_large_and_found_beside_what_was_credited_waits_to_be_sure(
    open_shop_with: Callable[..., Shop], clock: FixedClock
) -> None:
    shop = open_shop_with("evm", assets={"ETH": {"large_amount": "0.4"}}, large_confirmations=12)
    shop.chain.capabilities = Capability.TOKENS | Capability.HISTORY
    shop.mine(5)
    invoice = shop.ask("0.1", "ETH")
    clock.advance(timedelta(minutes=59))
    for _ in range(2):
        shop.chain.send(invoice.option.address, ETHER // 10, via_contract=True)
        shop.mine()
    last = shop.chain.height
    clock.advance(timedelta(minutes=2))
    shop.chain.mine(4)
    fee = PaidFee(shop.code, "tx", "spd_1", invoice.option.address, HALF, last)
    shop.gateway.db.run(lambda session: note_fees(session, [fee]))
    shop.look()

    def found() -> list[tuple[int, PaymentStatus]]:
        return [(each.amount, each.status) for each in shop.state(invoice).payments]

    final = [(ETHER // 10, PaymentStatus.FINAL)] * 2
    assert found() == [*final, (HALF, PaymentStatus.CONFIRMING)]
    shop.mine(12)
    assert found() == [*final, (HALF, PaymentStatus.FINAL)]
