"""An old database that was put back: the journal gives it away, and without that the chain (fault F117)."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from cloudpay.kernel.db import table_of
from cloudpay.kernel.failpoints import Failpoint
from cloudpay.transactions import control
from cloudpay.transactions.backups import read_back
from cloudpay.transactions.models import AttemptRow, ClaimRow, SpendRow, TransactionRow
from cloudpay.wallets.day import DayTotals
from cloudpay.wallets.freezes import EVERYWHERE
from cloudpay.wallets.switch import why_frozen
from tests.cloudpay.transactions.desk import Desk
from tests.cloudpay.transactions.kills import killed


def forget_everything_sent(desk: Desk) -> None:
    """Put back a database from before anything was signed."""

    def work(session: object) -> None:
        for model in (ClaimRow, AttemptRow, SpendRow, TransactionRow):
            session.execute(delete(model))  # type: ignore[attr-defined]

    desk.gateway.db.run(work)


def frozen_everywhere(desk: Desk) -> bool:
    """Answer whether nothing is signed on any network."""
    with desk.gateway.db.read() as session:
        found = why_frozen(session, desk.gateway.settings, "fake2")
    return found is not None and found.network == EVERYWHERE


def test_f117_an_old_database_freezes_all_sending_until_a_person_has_reconciled(desk: Desk) -> None:
    desk.pay("p1")
    desk.work()
    desk.chain.mine(1)
    forget_everything_sent(desk)
    journal = desk.sender.station.journal
    assert not read_back(desk.gateway, "evm", journal, DayTotals())
    with desk.gateway.db.read() as session:
        found = why_frozen(session, desk.gateway.settings, "fake2")
    assert found is not None and found.network == EVERYWHERE and "old backup" in found.reason
    assert len(desk.events("alert.opened")) == 1
    desk.pay("p2")
    desk.work(2)
    assert desk.statuses("p2") == ["queued"]
    control.thaw(desk.gateway, EVERYWHERE, "compared by hand", reconciled=True, actor="cli:test")
    assert read_back(desk.gateway, "evm", journal, DayTotals())
    desk.work()
    assert desk.statuses("p2") == ["sent"]


@pytest.mark.parametrize("frozen_before", [False, True])
def test_f117_a_thaw_without_a_reconciliation_is_refused_and_the_journal_goes_on_to_protect(
    desk: Desk, frozen_before: bool
) -> None:
    desk.pay("p1")
    desk.work()
    forget_everything_sent(desk)
    if frozen_before:
        control.freeze(desk.gateway, EVERYWHERE, "a key may be stolen", actor="cli:test")
    journal = desk.sender.station.journal
    read_back(desk.gateway, "evm", journal, DayTotals())
    with pytest.raises(control.NotCompared, match="thaw with --reconciled"):
        control.thaw(desk.gateway, EVERYWHERE, "it will be fine", actor="cli:test")
    assert frozen_everywhere(desk)
    assert not read_back(desk.gateway, "evm", journal, DayTotals())


def test_f117_a_thaw_of_what_is_not_frozen_does_not_mark_the_journal(desk: Desk) -> None:
    desk.pay("p1")
    desk.work()
    control.freeze(desk.gateway, "evm", "strange payouts", actor="cli:test")
    with pytest.raises(control.NotFrozen):
        control.thaw(desk.gateway, EVERYWHERE, "compared", reconciled=True, actor="cli:test")
    forget_everything_sent(desk)
    assert not read_back(desk.gateway, "evm", desk.sender.station.journal, DayTotals())


def test_f117_a_thaw_with_another_data_folder_marks_no_journal_and_says_where_to_run_it(
    desk: Desk, tmp_path: Path
) -> None:
    """The sender's user has a data folder of its own, and the operator's command has the settings file's."""
    desk.pay("p1")
    desk.work()
    control.freeze(desk.gateway, EVERYWHERE, "a key may be stolen", actor="cli:test")
    other = replace(
        desk.gateway,
        settings=msgspec.structs.replace(desk.gateway.settings, data_dir=str(tmp_path / "other")),
    )
    for made in (False, True):
        if made:
            other.settings.data_path.mkdir()
        with pytest.raises(control.JournalElsewhere, match="CLOUDPAY_DATA_DIR"):
            control.thaw(other, EVERYWHERE, "compared", reconciled=True, actor="cli:test")
    assert not other.settings.journal_path.exists() and frozen_everywhere(desk)
    assert len(list(desk.sender.station.journal.entries())) == 1
    control.thaw(desk.gateway, EVERYWHERE, "compared", reconciled=True, actor="cli:test")
    assert list(desk.sender.station.journal.entries()) == []


def test_f117_a_lost_journal_is_begun_anew_by_an_empty_file(desk: Desk) -> None:
    desk.pay("p1")
    desk.work()
    control.freeze(desk.gateway, EVERYWHERE, "an old backup", actor="cli:test")
    desk.gateway.settings.journal_path.unlink()
    with pytest.raises(control.JournalElsewhere, match="empty file"):
        control.thaw(desk.gateway, EVERYWHERE, "compared", reconciled=True, actor="cli:test")
    desk.gateway.settings.journal_path.touch()
    control.thaw(desk.gateway, EVERYWHERE, "compared", reconciled=True, actor="cli:test")
    assert control.frozen_networks(desk.gateway) == {}


def test_f117_a_database_that_knows_more_than_the_journal_is_well(desk: Desk) -> None:
    """Killed between the commit and the journal: the id is only in the database, and is written down at the resume."""
    desk.pay("p1")
    killed(desk, Failpoint.SEND_COMMITTED)
    journal = desk.sender.station.journal
    assert list(journal.entries()) == []
    assert read_back(desk.gateway, "evm", journal, DayTotals())
    desk.work()
    assert [each.tx_id for each in journal.entries()] == [each.tx_id for each in desk.attempts()]


def test_f117_without_its_journal_a_database_from_before_the_first_payout_is_given_away_too(
    desk: Desk,
) -> None:
    desk.pay("p1", amount=1000)
    with desk.gateway.db.read() as session:
        rows = [dict(each) for each in session.execute(select(table_of(SpendRow))).mappings()]
    desk.work()
    desk.confirm()
    forget_everything_sent(desk)
    with desk.gateway.db.transaction() as session:
        session.execute(insert(table_of(SpendRow)), rows)
    desk.sender.station.journal.path.unlink()
    desk.restart()
    desk.clock.advance(timedelta(minutes=11))
    desk.work(3)
    assert (desk.statuses("p1"), desk.received("p1")) == (["queued"], 1000)
    with desk.gateway.db.read() as session:
        found = why_frozen(session, desk.gateway.settings, "evm")
    assert found is not None and "more transactions" in found.reason
    control.thaw(desk.gateway, "evm", "p1 is paid: it goes to another", reconciled=True, actor="cli:test")
    desk.pay("p2")
    desk.work()
    assert desk.statuses("p2") == ["sent"]


def test_f117_without_its_journal_an_old_database_is_given_away_by_the_chain(desk: Desk) -> None:
    """The chain has more of the master wallet's transactions than the database knows to have signed."""
    desk.pay("p1")
    desk.work()
    desk.confirm()
    desk.pay("p2")
    desk.work()
    desk.confirm()
    forget_newest(desk)
    journal = desk.sender.station.journal
    journal.path.unlink()
    desk.restart()
    desk.pay("p3")
    desk.work()
    assert desk.statuses("p3") == ["queued"]
    with desk.gateway.db.read() as session:
        found = why_frozen(session, desk.gateway.settings, "evm")
    assert found is not None and "more transactions" in found.reason
    control.thaw(desk.gateway, "evm", "it will be fine", actor="cli:test")
    desk.work()
    assert desk.statuses("p3") == ["queued"]
    desk.clock.advance(timedelta(seconds=1))
    control.thaw(desk.gateway, "evm", "compared", reconciled=True, actor="cli:test")
    desk.work(2, after=60)
    desk.confirm()
    assert desk.statuses("p3") == ["confirmed"]
    assert desk.received("p3") == 100


def forget_newest(desk: Desk) -> None:
    """Put back a database from before the newest transaction was signed; what it booked is not looked at here."""
    newest = desk.transactions()[-1].id

    def work(session: Session) -> None:
        session.execute(delete(ClaimRow).where(ClaimRow.transaction_id == newest))
        session.execute(delete(AttemptRow).where(AttemptRow.transaction_id == newest))
        session.execute(delete(SpendRow).where(SpendRow.transaction_id == newest))
        session.execute(delete(TransactionRow).where(TransactionRow.id == newest))

    desk.gateway.db.run(work)
