"""A seal key that cannot be had: the sender waits, says so, follows what went out, and goes on by itself."""

from collections.abc import Iterator

import msgspec
import pytest

from cloudpay.kernel.sections import AwsKms
from cloudpay.transactions.station import _ASK_AGAIN
from cloudpay.wallets.resealing import reseal
from tests.cloudpay.transactions.desk import Desk
from tests.cloudpay.wallets.kms import ARN, FakeKms, serving


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKms]:
    """The service, and credentials for it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    with serving() as found:
        yield found


def move_to_kms(desk: Desk, kms: FakeKms) -> None:
    """Have the desk's seed sealed by a key under KMS."""
    settings = desk.gateway.settings
    aws = AwsKms(key_id=ARN, endpoint_url=kms.url)
    object.__setattr__(desk.gateway, "settings", msgspec.structs.replace(settings, aws_kms=aws))
    reseal(desk.gateway, "aws-kms", actor="cli:test")
    moved = msgspec.structs.replace(settings, aws_kms=aws, seal_key="aws-kms")
    object.__setattr__(desk.gateway, "settings", moved)
    settings.seal_key_path.unlink()


def test_payouts_wait_while_kms_refuses_and_go_out_when_it_answers(desk: Desk, kms: FakeKms) -> None:
    move_to_kms(desk, kms)
    now = 0.0
    desk.restart()
    desk.sender.station.monotonic = lambda: now
    desk.pay("p1")
    kms.fails = "AccessDeniedException"
    kms.heard.clear()
    desk.work(3)
    assert desk.statuses("p1") == ["queued"]
    assert len(kms.heard) == 1  # not asked at every pass
    [alert] = desk.events("alert.opened")
    assert "kms:Decrypt" in alert
    kms.fails = ""
    now += _ASK_AGAIN
    desk.work(2, after=61)
    assert desk.statuses("p1") == ["sent"]
    desk.confirm()
    assert desk.statuses("p1") == ["confirmed"]


def test_a_seal_that_does_not_open_the_seed_is_told(desk: Desk, kms: FakeKms) -> None:
    """As with settings from before the seed was sealed anew: it does not pass by itself."""
    move_to_kms(desk, kms)
    desk.restart()
    desk.pay("p1")
    kms.fails = "InvalidCiphertextException"
    desk.work(2)
    assert desk.statuses("p1") == ["queued"]
    assert len(desk.events("alert.opened")) == 1


def test_a_key_file_that_is_damaged_is_told(desk: Desk) -> None:
    desk.gateway.settings.seal_key_path.write_text("nonsense\n", encoding="utf-8")
    desk.restart()
    desk.pay("p1")
    desk.work(2)
    assert desk.statuses("p1") == ["queued"]
    [alert] = desk.events("alert.opened")
    assert "seal" in alert


def test_what_went_out_is_followed_while_the_key_cannot_be_had(desk: Desk, kms: FakeKms) -> None:
    desk.pay("p1")
    desk.work()
    move_to_kms(desk, kms)
    kms.fails = "DisabledException"
    desk.restart()
    desk.pay("p2")
    desk.work()
    desk.confirm()
    assert desk.statuses("p1", "p2") == ["confirmed", "queued"]
