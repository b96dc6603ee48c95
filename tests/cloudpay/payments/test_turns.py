"""Whose balance is looked at next."""

from datetime import UTC, datetime, timedelta

from cloudpay.payments.turns import Turn, is_over, is_owed, next_look

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
EXPIRES = CREATED + timedelta(hours=1)


def _turn(owed_at: datetime | None = EXPIRES) -> Turn:
    return Turn("dep_1", "0x1", CREATED, EXPIRES, CREATED, owed_at)


def _gap(minutes: float) -> timedelta:
    began = CREATED + timedelta(minutes=minutes)
    return next_look(_turn(), began) - began


def test_turns_are_close_when_an_invoice_is_new_and_when_its_time_runs_out() -> None:
    assert _gap(0) == timedelta(0)
    assert _gap(1) < _gap(10) < _gap(30)
    assert _gap(59) < _gap(50) < _gap(30)


def test_after_the_expiry_turns_come_ever_less_often() -> None:
    assert timedelta(minutes=1) == _gap(61) < _gap(120) < _gap(60 * 24)


def test_a_look_is_owed_after_the_expiry_and_once() -> None:
    late = EXPIRES + timedelta(seconds=1)
    assert is_owed(_turn(), late)
    assert not is_owed(_turn(), EXPIRES)
    assert not is_owed(_turn(owed_at=None), late)


def test_an_address_is_over_a_week_after_the_expiry() -> None:
    assert not is_over(_turn(None), EXPIRES + timedelta(days=7))
    assert is_over(_turn(None), EXPIRES + timedelta(days=7, seconds=1))
