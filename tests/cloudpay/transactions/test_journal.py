"""The journal beside the database: what is in it, what a full disk does, what the signer counts."""

import errno
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from cloudpay.chains.spending import Spend
from cloudpay.kernel.failpoints import Failpoint
from cloudpay.transactions.backups import read_back
from cloudpay.transactions.journal import Entry, Journal, JournalFailed
from cloudpay.transactions.models import AttemptRow, SpendRow, TransactionRow
from cloudpay.wallets.day import DayTotals
from tests.cloudpay.transactions.desk import Desk
from tests.cloudpay.transactions.kills import killed

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)


def entry(tx_id: str) -> Entry:
    """One signed payout."""
    return Entry("evm", tx_id, ("0xsource:nonce:1",), AT, ("p1",))


def no_space(*_arguments: object) -> int:
    """What a full disk says."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def work_on_a_full_disk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the sender do two passes, neither of which can write the journal."""
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", no_space)
        for _ in range(2):
            with pytest.raises(JournalFailed):
                desk.work()


def test_what_was_written_is_read_back_also_behind_a_torn_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "signed.journal")
    assert list(journal.entries()) == []
    journal.append([entry("0x1"), entry("0x2")])
    with journal.path.open("a", encoding="utf-8") as file:
        file.write('{"network": "evm", "tx_i')
    journal.append([entry("0x3")])
    assert list(journal.entries()) == [entry("0x1"), entry("0x2"), entry("0x3")]
    assert journal.path.stat().st_mode & 0o077 == 0


def test_what_a_person_has_reconciled_need_not_be_known(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "signed.journal")
    journal.append([entry("0x1")])
    journal.reconcile("compared by hand", AT)
    journal.append([entry("0x2")])
    assert list(journal.entries()) == [entry("0x2")]


def test_an_id_is_in_the_journal_before_its_bytes_go_out(desk: Desk) -> None:
    desk.pay("p1")
    killed(desk, Failpoint.SEND_JOURNALLED)
    assert desk.chain.heard == []
    [line] = desk.sender.station.journal.entries()
    [attempt] = desk.attempts()
    assert (line.tx_id, list(line.spends)) == (attempt.tx_id, ["p1"])


def test_f115_with_a_full_disk_nothing_is_signed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(desk.gateway.settings.data_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=1000))
    desk.pay("p1")
    with pytest.raises(JournalFailed):
        desk.work()
    assert desk.attempts() == []
    assert desk.statuses("p1") == ["queued"]


def test_f115_a_journal_that_cannot_be_written_lets_nothing_out_and_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.pay("p1")
    killed(desk, Failpoint.SEND_COMMITTED)
    desk.pay("p2")
    work_on_a_full_disk(desk, monkeypatch)
    assert desk.chain.heard == []
    assert desk.statuses("p1", "p2") == ["sending", "queued"]
    assert len(desk.events("alert.opened")) == 1
    desk.work()
    assert desk.statuses("p1", "p2") == ["sent", "sent"]
    assert len(desk.attempts()) == 2
    assert len(desk.events("alert.cleared")) == 1


def test_f115_what_the_signer_cannot_count_on_disk_is_not_kept_and_an_alert_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.pay("p1")
    work_on_a_full_disk(desk, monkeypatch)
    assert desk.attempts() == [] and desk.statuses("p1") == ["queued"]
    assert len(desk.events("alert.opened")) == 1 and desk.events("alert.cleared") == []
    desk.work()
    assert desk.statuses("p1") == ["sent"]
    assert len(desk.events("alert.cleared")) == 1
    assert {each.spend.id for each in desk.sender.station.journal.counted()} == {"p1"}


def test_the_day_is_counted_from_the_journal_though_the_database_forgets(
    open_desk: Callable[..., Desk],
) -> None:
    desk = open_desk()
    desk.sender.station.day = DayTotals(unix=desk.clock.unix)
    desk.pay("p1", amount=700)
    desk.work()
    day = DayTotals(unix=desk.clock.unix)
    read_back(desk.gateway, "evm", desk.sender.station.journal, day)
    assert day.would_be("evm", (Spend("p2", "", "", None, 1),), frozenset()) == {"": 701}


def test_f72_whoever_can_write_the_database_cannot_have_the_day_begin_anew(desk: Desk) -> None:
    """Neither by having a spend signed under another claim, nor by what the database says of when it was signed."""
    day = DayTotals(unix=desk.clock.unix)
    desk.sender.station.day = day
    desk.pay("p1", amount=700)
    desk.work()
    again = {"status": "queued", "transaction_id": None, "tx_id": None, "block_height": None}

    def forge(session: Session) -> None:
        session.execute(update(SpendRow).values(again))
        session.execute(update(AttemptRow).values(signed_at=AT))
        session.execute(update(TransactionRow).values(created_at=AT))

    desk.gateway.db.run(forge)
    desk.work()
    afterwards = DayTotals(unix=desk.clock.unix)
    desk.sender.station.journal.reconcile("compared by hand", AT)
    read_back(desk.gateway, "evm", desk.sender.station.journal, afterwards)
    one = (Spend("p2", "", "", None, 1),)
    assert len(desk.chain.heard) == 2, "it was signed twice: nothing else is tried here"
    assert day.would_be("evm", one, frozenset()) == afterwards.would_be("evm", one, frozenset()) == {"": 1401}


def test_what_is_collected_does_not_count_as_paid_out_after_a_restart(desk: Desk) -> None:
    day = DayTotals(unix=desk.clock.unix)
    desk.sender.station.day = day
    desk.pay("p1", amount=700, recipient=desk.master.address)
    desk.work()
    afterwards = DayTotals(unix=desk.clock.unix)
    read_back(desk.gateway, "evm", desk.sender.station.journal, afterwards)
    one = (Spend("p2", "", "", None, 1),)
    assert day.would_be("evm", one, frozenset()) == afterwards.would_be("evm", one, frozenset()) == {"": 1}
