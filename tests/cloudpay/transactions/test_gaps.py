"""A draft may need a transfer to ourselves before it, which fills a hole in front of it: sent once, and its fee booked.

The plugins here fill holes by the bytes that have their place, and ask for none; the seam lets others do so.
"""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from cloudpay.chains.spending import Prepared, Spend, SpendContext
from cloudpay.kernel.failpoints import Failpoint
from cloudpay.ledger.service import balances
from cloudpay.ledger.types import AccountKey, AccountKind
from tests.cloudpay.transactions.desk import FEE, FUNDS, Desk
from tests.cloudpay.transactions.kills import killed

GAP = "p1:t1"


@pytest.fixture(autouse=True)
def holey(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the chain ask for a transfer to ourselves before the payout `p1`, until that is in a block."""
    prepare = desk.chain.prepare

    def asking(spends: Sequence[Spend], context: SpendContext) -> Prepared:
        drafted = prepare(spends, context)
        if context.replaces is not None or desk.chain.sequence(desk.master.address):
            return drafted
        drafts = [
            replace(each, needs=(Spend("p1:gap", desk.master.address, desk.master.address, None, 0),))
            if each.spends[0].id == "p1"
            else each
            for each in drafted.drafts
        ]
        return replace(drafted, drafts=tuple(drafts))

    monkeypatch.setattr(desk.chain, "prepare", asking)


def fees(desk: Desk) -> int:
    """Answer what the merchant's fees come to."""
    who = desk.master.merchant_id
    with desk.gateway.db.read() as session:
        found = balances(session, who, livemode=False)
    return found[AccountKey(who, False, desk.network.code, "", AccountKind.FEES)].held


def both_confirmed(desk: Desk) -> None:
    """Send what is needed, then what needs it."""
    desk.work(2)
    desk.confirm()
    desk.work()
    desk.confirm()
    assert desk.statuses("p1", GAP) == ["confirmed", "confirmed"]


def test_f56_a_hole_is_filled_by_a_transfer_to_ourselves_whose_fee_is_the_merchant_s(desk: Desk) -> None:
    desk.pay("p1")
    desk.work(2)
    assert desk.statuses("p1", GAP) == ["queued", "sent"]
    desk.confirm()
    desk.work()
    assert desk.statuses("p1", GAP) == ["sent", "confirmed"]
    desk.confirm()
    assert desk.statuses("p1") == ["confirmed"]
    assert (desk.received("p1"), desk.view(GAP).fee) == (100, FEE)
    assert fees(desk) == 2 * FEE
    assert desk.books() == (FUNDS - 100 - 2 * FEE, 0)
    assert desk.chain.spendable(desk.master.address) == FUNDS - 100 - 2 * FEE


@pytest.mark.parametrize(
    "place",
    [
        Failpoint.SEND_PLANNED,
        Failpoint.SEND_SIGNED,
        Failpoint.SEND_WRITTEN,
        Failpoint.SEND_COMMITTED,
        Failpoint.SEND_BROADCAST,
    ],
)
def test_f56_f110_a_crash_around_a_hole_fills_it_once(desk: Desk, place: Failpoint) -> None:
    desk.pay("p1")
    desk.work()
    killed(desk, place)
    both_confirmed(desk)
    assert len(desk.transactions()) == 2
    assert desk.books() == (FUNDS - 100 - 2 * FEE, 0)
    assert fees(desk) == 2 * FEE


def test_f56_f33_a_filled_hole_that_a_deep_reorganisation_takes_out_is_booked_back_and_filled_again(
    desk: Desk,
) -> None:
    desk.pay("p1")
    desk.work(2)
    desk.confirm()
    assert desk.statuses(GAP) == ["confirmed"]
    assert fees(desk) == FEE
    desk.chain.reorg(6, remine=False)
    desk.chain.forget()
    desk.chain.mine(8)
    desk.work(3)
    assert desk.statuses(GAP) == ["sent"]
    assert fees(desk) == 0
    desk.confirm()
    desk.work(2)
    desk.confirm()
    assert desk.statuses("p1", GAP) == ["confirmed", "confirmed"]
    assert {each.raw for each in desk.chain.heard} == {each.raw for each in desk.attempts()}
    assert (len(desk.attempts()), fees(desk), desk.received("p1")) == (2, 2 * FEE, 100)
    assert desk.books() == (FUNDS - 100 - 2 * FEE, 0)


def test_f61_a_hole_that_a_reverted_transfer_has_filled_costs_its_fee(desk: Desk) -> None:
    desk.chain.reverting.add(desk.master.address)
    desk.pay("p1")
    desk.work(2)
    desk.confirm()
    desk.work()
    desk.confirm()
    assert desk.statuses("p1", GAP) == ["confirmed", "failed"]
    assert fees(desk) == 2 * FEE
    assert desk.books() == (FUNDS - 100 - 2 * FEE, 0)
