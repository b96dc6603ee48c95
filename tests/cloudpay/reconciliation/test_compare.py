"""Ledger against chain as a pure function."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudpay.ledger.pots import Change, Place, Pot, Surety
from cloudpay.reconciliation.compare import Comparison, compare

POT = Pot("mer_1", False, "", Place.MASTER)
AMOUNTS = st.integers(-(10**30), 10**30)
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def changes_of(surety: Surety, amounts: list[int]) -> list[Change]:
    return [Change(POT, each, surety) for each in amounts]


def drift(booked: int, changes: list[Change], lying: int) -> int:
    [line] = compare({POT: booked}, changes, {POT: lying})
    return line.drift


@patient
@given(AMOUNTS, st.lists(AMOUNTS, max_size=6), AMOUNTS)
def test_what_nothing_explains_is_the_drift_to_the_base_unit(
    booked: int, sure: list[int], beyond: int
) -> None:
    lying = booked + sum(sure) + beyond
    assert drift(booked, changes_of(Surety.SURE, sure), lying) == beyond


@patient
@given(AMOUNTS, st.lists(AMOUNTS, max_size=8), st.data())
def test_whatever_has_happened_of_what_is_doubtful_is_no_drift(
    booked: int, maybe: list[int], data: st.DataObject
) -> None:
    happened = data.draw(st.lists(st.booleans(), min_size=len(maybe), max_size=len(maybe)))
    lying = booked + sum(amount for amount, did in zip(maybe, happened, strict=True) if did)
    assert drift(booked, changes_of(Surety.MAYBE, maybe), lying) == 0


@patient
@given(AMOUNTS, st.lists(st.integers(2, 10**30), max_size=40), st.booleans())
def test_beyond_all_that_is_doubtful_every_base_unit_is_a_drift(
    booked: int, amounts: list[int], whole: bool
) -> None:
    changes = changes_of(Surety.MAYBE if whole else Surety.PARTLY, amounts)
    assert drift(booked, changes, booked + sum(amounts) + 1) == 1
    assert drift(booked, changes, booked - 1) == -1


@patient
@given(st.lists(st.integers(1, 10**30), min_size=1, max_size=40), st.data())
def test_any_part_of_what_arrives_in_parts_is_no_drift(amounts: list[int], data: st.DataObject) -> None:
    part = data.draw(st.integers(0, sum(amounts)))
    assert drift(5, changes_of(Surety.PARTLY, amounts), 5 + part) == 0


def test_a_base_unit_too_much_is_seen_beside_a_payment_that_waits_for_a_second_node() -> None:
    waits = changes_of(Surety.MAYBE, [10**9])
    assert drift(100, waits, 101) == 1
    assert drift(100, waits, 10**9 + 99) == -1


def test_the_many_that_wait_hide_less_than_their_sum_and_no_more() -> None:
    waiting = changes_of(Surety.MAYBE, [10] * 11)
    assert drift(0, waiting, 111) == 1
    assert drift(0, waiting, 7) == 0


def test_every_pot_that_anything_is_known_of_is_held_against_the_others_figures() -> None:
    booked, changed, lying = (Pot("mer_1", False, asset, Place.DEPOSITS) for asset in ("0xa", "0xb", "0xc"))
    found = compare({booked: 3}, [Change(changed, 4)], {lying: 5})
    assert found == [
        Comparison(booked, 3, 0, 0, 0, -3),
        Comparison(changed, 0, 4, 0, 0, -4),
        Comparison(lying, 0, 0, 0, 5, 5),
    ]
