"""The sender is killed at each of its failpoints while payouts go out: nobody is paid twice, nobody is forgotten."""

from collections.abc import Callable
from functools import partial

import pytest

from cloudpay.kernel import failpoints
from cloudpay.kernel.failpoints import Failpoint
from tests.cloudpay.transactions.desk import FUNDS, Desk, recipient_of
from tests.cloudpay.transactions.kills import Killed

SENDING = sorted(place for place in Failpoint if place.startswith("send."))
GOOD = ("p1", "p2", "stuck", "p4")


def look(desk: Desk, passes: int = 1, *, after: float = 0) -> None:
    """Do passes, in a new process where the last one was killed."""
    try:
        desk.work(passes, after=after)
    except Killed:
        desk.restart()
        desk.work(passes)


def pay_everybody(desk: Desk) -> None:
    """Four payouts and one that the chain refuses; one of the four waits for a higher fee; nodes forget everything."""
    desk.chain.refusing.add(recipient_of("bad"))
    desk.pay("p1", "p2", "bad")
    look(desk)
    desk.chain.forget()
    look(desk)
    desk.chain.mine(1)
    look(desk)
    desk.chain.floor = 25
    desk.pay("stuck")
    look(desk)
    look(desk, after=91)
    desk.chain.mine(1)
    desk.pay("p4")
    for _ in range(4):
        look(desk, after=91)
        desk.chain.mine(5)
    look(desk, 2)


def overtaken(desk: Desk) -> None:
    """Somebody else has the key and takes the place of a payout."""
    desk.pay("p1")
    look(desk)
    desk.chain.spend_from_outside(desk.master.address, recipient_of("a thief"), 7)
    desk.chain.mine(5)
    look(desk, 3)
    desk.pay("p2")
    look(desk, 3)


def test_f110_payouts_come_by_every_failpoint_of_the_sender(open_desk: Callable[..., Desk]) -> None:
    found: set[Failpoint] = set()
    desk = open_desk()
    for place in SENDING:
        failpoints.arm(place, partial(found.add, place), again=True)
    pay_everybody(desk)
    overtaken_desk = set(SENDING) - found
    assert overtaken_desk == {Failpoint.SEND_FROZEN}


@pytest.mark.parametrize("passage", [1, 2])
@pytest.mark.parametrize("place", [each for each in SENDING if each != Failpoint.SEND_FROZEN])
def test_f110_a_sender_killed_anywhere_pays_everybody_once(
    desk: Desk, place: Failpoint, passage: int
) -> None:
    def end() -> None:
        raise Killed

    failpoints.arm(place, end, first=passage)
    pay_everybody(desk)
    assert desk.statuses(*GOOD, "bad") == ["confirmed"] * 4 + ["failed"]
    assert [desk.received(each) for each in (*GOOD, "bad")] == [100] * 4 + [0]
    fees = sum(desk.view(each).fee or 0 for each in GOOD)
    assert desk.books() == (FUNDS - 400 - fees, 0)
    assert desk.chain.spendable(desk.master.address) == FUNDS - 400 - fees


@pytest.mark.parametrize("place", [Failpoint.SEND_FROZEN, Failpoint.SEND_TRACK_COMMITTED])
def test_f110_a_sender_killed_while_it_freezes_signs_nothing_more(desk: Desk, place: Failpoint) -> None:
    def end() -> None:
        raise Killed

    failpoints.arm(place, end)
    overtaken(desk)
    assert desk.statuses("p1", "p2") == ["sent", "queued"]
    assert len(desk.attempts()) == 1
    assert desk.events("alert.opened")
