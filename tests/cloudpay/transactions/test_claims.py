"""Who may use what: two workers, a cancellation, an expiry."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cloudpay.chains.spending import Answer, Broadcast, Draft
from cloudpay.chains.types import BlockRef, Statuses, TxState, TxStatus
from cloudpay.kernel import failpoints
from cloudpay.kernel.failpoints import Failpoint
from cloudpay.kernel.leases import LeaseKeeper, LeaseLost
from cloudpay.ledger.outgoing import post_void
from cloudpay.transactions.bookings import outgoing
from cloudpay.transactions.control import frozen_networks
from cloudpay.transactions.journal import Journal
from cloudpay.transactions.loop import LEASE_TTL
from cloudpay.transactions.models import AttemptRow
from cloudpay.transactions.rows import SPEND
from cloudpay.transactions.sender import Sender
from cloudpay.transactions.service import withdraw_spends
from cloudpay.transactions.states import TransactionStatus
from cloudpay.transactions.station import Station
from tests.cloudpay.transactions.desk import FEE, FUNDS, Desk, no_gate


def another_sender(desk: Desk, lease: str) -> Sender:
    """A sender of the same network under a lease of its own: what must never be, and must do no harm."""
    keeper = LeaseKeeper(desk.gateway.db, desk.gateway.clock, lease, lease, LEASE_TTL)
    journal = Journal(desk.gateway.settings.journal_path)
    return Sender(Station(desk.gateway, desk.network, desk.chain, keeper, no_gate, journal))


def test_f68_two_workers_that_both_believe_to_hold_the_wallet_never_share_a_claim(desk: Desk) -> None:
    desk.chain.window = 1000
    names = [f"p{number:02}" for number in range(60)]
    desk.pay(*names)
    barrier, failures = threading.Barrier(2), list[BaseException]()

    def run(lease: str) -> None:
        sender = another_sender(desk, lease)
        try:
            barrier.wait(10)
            for _ in range(6):
                sender.work(look=True)
        except BaseException as error:  # noqa: BLE001  # the test's own thread reports it
            failures.append(error)

    threads = [threading.Thread(target=run, args=(f"rogue-{number}",)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    desk.work(3)
    desk.confirm()
    assert desk.statuses(*names) == ["confirmed"] * 60
    assert [desk.received(name) for name in names] == [100] * 60
    assert len(desk.transactions()) == 60


def test_f68_a_worker_that_lost_its_lease_commits_nothing(desk: Desk) -> None:
    desk.pay("p1")
    desk.sender.station.renew()

    def overtaken() -> None:
        failpoints.disarm()
        with desk.gateway.db.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE leases SET holder = 'another', token = token + 1")

    failpoints.arm(Failpoint.SEND_SIGNED, overtaken)
    with pytest.raises(LeaseLost):
        desk.work()
    assert desk.transactions() == []
    assert desk.chain.heard == []
    assert desk.statuses("p1") == ["queued"]


def test_f69_a_spend_that_is_cancelled_while_it_is_signed_is_not_sent(desk: Desk) -> None:
    desk.pay("p1", "p2", "p3")

    def cancel() -> None:
        failpoints.disarm()

        def work(session: Session) -> None:
            assert withdraw_spends(session, desk.gateway, ["p2"]) == {"p2"}
            [row] = session.execute(SPEND.select().where(SPEND.c.id == "p2")).all()
            post_void(session, outgoing(row, 1), desk.clock.now(session))

        desk.gateway.db.run(work)

    failpoints.arm(Failpoint.SEND_SIGNED, cancel)
    desk.work(2)
    assert desk.statuses("p1", "p2", "p3") == ["sent", "cancelled", "sent"]
    desk.confirm()
    assert desk.statuses("p1", "p2", "p3") == ["confirmed", "cancelled", "confirmed"]
    assert desk.received("p2") == 0
    assert desk.books() == (FUNDS - 200 - 2 * FEE, 0)


def test_f69_what_is_signed_can_not_be_cancelled_any_more(desk: Desk) -> None:
    desk.pay("p1")
    desk.work()
    with desk.gateway.db.transaction() as session:
        assert withdraw_spends(session, desk.gateway, ["p1"]) == frozenset()
    desk.confirm()
    assert desk.statuses("p1") == ["confirmed"]


def test_a_claim_is_taken_for_ever(desk: Desk) -> None:
    desk.pay("p1")
    desk.work()
    desk.confirm()
    [transaction] = desk.transactions()
    with pytest.raises(IntegrityError), desk.gateway.db.transaction() as session:
        session.connection().exec_driver_sql(
            "INSERT INTO claims (network, claim, transaction_id) VALUES "
            f"('evm', '{desk.master.address}:nonce:0', '{transaction.id}')"
        )


def expiring(desk: Desk, monkeypatch: pytest.MonkeyPatch, lifetime: int) -> None:
    """Have the chain's transactions expire, without claims, as TRON's do."""
    prepare, explain = desk.chain.prepare, desk.chain.explain
    until: dict[bytes, int] = {}

    def drafted(draft: Draft) -> Draft:
        expires_at = desk.clock.unix() + lifetime
        until[draft.unsigned] = expires_at
        return replace(draft, claims=frozenset(), expires_at=expires_at)

    def prepare_expiring(*arguments: object) -> object:
        prepared = prepare(*arguments)  # type: ignore[arg-type]
        return replace(prepared, drafts=tuple(drafted(each) for each in prepared.drafts))

    def explain_expiring(raw: bytes) -> object:
        lives = next((each for unsigned, each in until.items() if raw.startswith(unsigned)), None)
        return replace(explain(raw), expires_at=lives)

    monkeypatch.setattr(desk.chain, "prepare", prepare_expiring)
    monkeypatch.setattr(desk.chain, "explain", explain_expiring)


def sent_expiring(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> AttemptRow:
    """Send a payout p1 that expires after a minute; answer its attempt."""
    expiring(desk, monkeypatch, 60)
    desk.pay("p1")
    desk.work()
    [attempt] = desk.attempts()
    return attempt


def test_f70_what_has_expired_is_sent_anew_only_when_a_later_block_is_final_and_shows_it_absent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sent_expiring(desk, monkeypatch)
    desk.chain.forget()
    desk.chain.prices = {tier: price + 1 for tier, price in desk.chain.prices.items()}
    with monkeypatch.context() as deaf:
        deaf.setattr(desk.chain, "broadcast", lambda signed: [Answer(Broadcast.UNKNOWN)] * len(signed))
        desk.work(after=61)
        assert [row.status for row in desk.transactions()] == [TransactionStatus.OPEN]
        desk.chain.mine(1)
        desk.work()
        assert [row.status for row in desk.transactions()] == [TransactionStatus.OPEN]
        desk.chain.mine(4)
        desk.work(3)
        assert [row.status for row in desk.transactions()] == [TransactionStatus.OPEN], "one block shows it"
        desk.chain.mine(1)
        desk.work()
    desk.work()
    assert [row.status for row in desk.transactions()] == [TransactionStatus.EXPIRED, TransactionStatus.OPEN]
    assert desk.attempts()[1].tx_id != first.tx_id
    desk.confirm()
    assert desk.statuses("p1") == ["confirmed"]
    assert desk.received("p1") == 100


def forgetting(desk: Desk, monkeypatch: pytest.MonkeyPatch, tx_id: str) -> None:
    """Have the node deny a transaction that its blocks hold: it has lost an index."""
    statuses = desk.chain.statuses

    def denying(tx_ids: Iterable[str]) -> Statuses:
        told = statuses(tx_ids)
        denied = {tx_id: TxStatus(tx_id, TxState.UNKNOWN)} if tx_id in told.by_id else {}
        return replace(told, by_id={**told.by_id, **denied})

    monkeypatch.setattr(desk.chain, "statuses", denying)


def test_f70_what_was_seen_in_a_block_is_not_sent_anew_while_that_block_stands(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = sent_expiring(desk, monkeypatch)
    desk.chain.mine(1)
    desk.work()
    forgetting(desk, monkeypatch, attempt.tx_id)
    desk.clock.advance(timedelta(seconds=61))
    for _ in range(4):
        desk.chain.mine(3)
        desk.work()
    assert [row.status for row in desk.transactions()] == [TransactionStatus.INCLUDED]
    monkeypatch.undo()
    desk.confirm()
    assert desk.statuses("p1") == ["confirmed"]
    assert desk.received("p1") == 100


def test_f70_a_proof_by_the_blocks_is_asked_for_where_the_chain_gives_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = sent_expiring(desk, monkeypatch)
    raws: list[dict[str, bytes]] = []

    def absent(signed: Mapping[str, bytes], final: BlockRef, meanwhile: Callable[[], None]) -> frozenset[str]:
        meanwhile()
        raws.append(dict(signed))
        return frozenset()

    monkeypatch.setattr(desk.chain, "absent", absent, raising=False)
    desk.chain.mine(1)
    forgetting(desk, monkeypatch, attempt.tx_id)
    desk.clock.advance(timedelta(seconds=61))
    for _ in range(4):
        desk.chain.mine(4)
        desk.work()
    assert set(raws[0]) == {attempt.tx_id} and all(raws[0].values())
    assert [row.status for row in desk.transactions()] == [TransactionStatus.OPEN]
    monkeypatch.undo()
    desk.confirm()
    assert (desk.statuses("p1"), desk.received("p1")) == (["confirmed"], 100)


def test_f70_one_that_was_sent_anew_and_is_in_a_block_after_all_freezes_the_network(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = sent_expiring(desk, monkeypatch)
    desk.chain.mine(1)
    with monkeypatch.context() as lying:
        forgetting(desk, lying, attempt.tx_id)
        desk.clock.advance(timedelta(seconds=61))
        for _ in range(3):
            desk.chain.mine(4)
            desk.work()
        assert TransactionStatus.EXPIRED in [row.status for row in desk.transactions()]
    desk.chain.mine(desk.network.settings.confirmations)
    desk.work()
    frozen = frozen_networks(desk.gateway)
    assert attempt.tx_id in frozen["evm"].reason and "paid twice" in frozen["evm"].reason
    assert frozen["evm"].needs_reconciliation


def test_f70_what_has_expired_and_is_in_a_block_is_not_sent_anew(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent_expiring(desk, monkeypatch)
    desk.chain.mine(1)
    desk.work(after=61)
    desk.chain.mine(1)
    desk.work()
    assert len(desk.transactions()) == 1
    desk.confirm()
    assert desk.received("p1") == 100
