"""What may go wrong between a signature and its block, and what must come of it."""

import pytest

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.spending import Broadcast
from cloudpay.kernel.failpoints import Failpoint
from cloudpay.transactions.states import TransactionStatus
from cloudpay.wallets.switch import why_frozen
from tests.cloudpay.transactions.desk import FEE, FUNDS, Desk, recipient_of
from tests.cloudpay.transactions.kills import killed


def test_f50_killed_after_the_commit_the_same_bytes_go_out(desk: Desk) -> None:
    desk.pay("p1")
    killed(desk, Failpoint.SEND_COMMITTED)
    assert desk.chain.heard == []
    [signed] = desk.attempts()
    desk.work()
    assert [each.raw for each in desk.chain.heard] == [signed.raw]
    desk.confirm()
    assert desk.statuses("p1") == ["confirmed"]
    assert len(desk.attempts()) == 1


def test_f50_killed_after_the_signature_and_before_the_commit_nothing_happened(desk: Desk) -> None:
    desk.pay("p1")
    killed(desk, Failpoint.SEND_SIGNED)
    assert desk.attempts() == []
    assert desk.statuses("p1") == ["queued"]
    desk.work()
    desk.confirm()
    assert desk.received("p1") == 100


def test_f51_killed_after_the_broadcast_it_is_found_by_its_stored_id(desk: Desk) -> None:
    desk.pay("p1")
    killed(desk, Failpoint.SEND_BROADCAST)
    assert desk.statuses("p1") == ["sending"]
    desk.chain.mine(5)
    desk.work(2)
    assert desk.statuses("p1") == ["confirmed"]
    assert desk.received("p1") == 100
    assert len(desk.attempts()) == 1


def test_f52_a_timeout_though_it_was_accepted_is_not_a_failure(desk: Desk) -> None:
    desk.chain.says = Broadcast.UNKNOWN
    desk.pay("p1")
    desk.work()
    assert desk.statuses("p1") == ["sending"]
    assert desk.attempts()[0].answer == "unknown"
    desk.confirm()
    assert desk.statuses("p1") == ["confirmed"]
    assert desk.received("p1") == 100


def test_f53_already_known_is_a_success(desk: Desk) -> None:
    desk.pay("p1")
    killed(desk, Failpoint.SEND_BROADCAST)
    desk.chain.heard.clear()
    desk.work()
    assert desk.attempts()[0].answer == "known"
    assert desk.statuses("p1") == ["sent"]


def test_f54_nonce_too_low_is_answered_by_a_look_at_our_own_ids(desk: Desk) -> None:
    """The bytes went out, were mined, and the answer to the second handing says that the number is used."""
    desk.pay("p1")
    killed(desk, Failpoint.SEND_BROADCAST)
    desk.chain.mine(1)
    desk.chain.says = Broadcast.REJECTED
    desk.work()
    desk.chain.says = None
    desk.confirm()
    assert desk.statuses("p1") == ["confirmed"]
    with desk.gateway.db.read() as session:
        assert why_frozen(session, desk.gateway.settings, "evm") is None


def test_f56_a_gap_is_filled_by_the_bytes_that_have_its_place(desk: Desk) -> None:
    desk.pay("p1", "p2", "p3")
    desk.work()
    first = desk.attempts()[0].tx_id
    desk.chain.forget()
    desk.chain.heard.clear()
    desk.work()
    assert [each.tx_id for each in desk.chain.heard] == [each.tx_id for each in desk.attempts()]
    assert desk.chain.heard[0].tx_id == first
    desk.confirm()
    assert desk.statuses("p1", "p2", "p3") == ["confirmed"] * 3


def test_f57_a_claim_used_from_outside_freezes_the_network_after_two_looks(desk: Desk) -> None:
    desk.pay("p1")
    desk.work()
    desk.chain.spend_from_outside(desk.master.address, recipient_of("a thief"), 7)
    desk.chain.mine(5)
    desk.work()
    assert desk.statuses("p1") == ["sent"]
    with desk.gateway.db.read() as session:
        assert why_frozen(session, desk.gateway.settings, "evm") is None
    desk.work()
    assert [row.status for row in desk.transactions()] == [TransactionStatus.USURPED]
    with desk.gateway.db.read() as session:
        found = why_frozen(session, desk.gateway.settings, "evm")
    assert found is not None and desk.master.address in found.reason
    assert len(desk.events("alert.opened")) == 1
    desk.pay("p2")
    desk.work(3)
    assert desk.statuses("p1", "p2") == ["sent", "queued"]


def test_f57_a_node_that_shows_ours_again_settles_it_though_it_looked_usurped(desk: Desk) -> None:
    desk.pay("p1")
    desk.work()
    ours = desk.chain.heard[0]
    desk.chain.spend_from_outside(desk.master.address, recipient_of("a thief"), 7)
    desk.chain.mine(5)
    desk.work(2)
    desk.chain.reorg(5, remine=False)
    desk.chain.forget()
    desk.chain.broadcast([ours])
    desk.chain.mine(8)
    desk.work(2)
    assert desk.statuses("p1") == ["confirmed"]


def test_f58_what_nodes_have_forgotten_goes_again_as_the_same_bytes(desk: Desk) -> None:
    desk.pay("p1")
    desk.work()
    [before] = desk.chain.heard
    desk.chain.forget()
    desk.work()
    assert desk.chain.heard == [before, before]
    desk.confirm()
    assert desk.received("p1") == 100


def test_f61_a_revert_fails_that_item_only_and_its_fee_is_booked(desk: Desk) -> None:
    desk.chain.reverting.add(recipient_of("bad"))
    desk.pay("good", "bad", "fine")
    desk.work()
    desk.confirm()
    assert desk.statuses("good", "bad", "fine") == ["confirmed", "failed", "confirmed"]
    assert desk.view("bad").fee == FEE
    assert "reverted" in desk.view("bad").reason
    assert desk.books() == (FUNDS - 200 - 3 * FEE, 0)


def test_a_spend_that_the_chain_would_not_carry_out_fails_unsigned_and_is_given_back(desk: Desk) -> None:
    desk.chain.refusing.add(recipient_of("bad"))
    desk.pay("bad", "good")
    desk.work()
    assert desk.statuses("bad", "good") == ["failed", "sent"]
    assert "cannot receive" in desk.view("bad").reason
    assert desk.books() == (FUNDS - 100 - FEE, 100 + FEE)


def test_f33_a_final_payout_that_is_reorganised_out_is_sent_again_as_the_same_bytes(desk: Desk) -> None:
    desk.pay("p1")
    desk.work()
    desk.confirm()
    assert desk.statuses("p1") == ["confirmed"]
    desk.chain.reorg(6, remine=False)
    desk.chain.forget()
    heard = len(desk.chain.heard)
    desk.chain.mine(8)
    desk.work(3)
    assert desk.statuses("p1") == ["sent"]
    assert desk.books() == (FUNDS - 100 - FEE, 100 + FEE)
    assert {each.raw for each in desk.chain.heard[heard:]} == {desk.attempts()[0].raw}
    desk.confirm()
    assert desk.statuses("p1") == ["confirmed"]
    assert desk.received("p1") == 100
    assert desk.books() == (FUNDS - 100 - FEE, 0)
    assert len(desk.attempts()) == 1


def test_f39_a_node_without_the_receipt_of_a_final_payout_takes_nothing_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.pay("p1")
    desk.work()
    desk.confirm()
    blind = desk.chain._status
    monkeypatch.setattr(desk.chain, "_status", lambda _tx_id: blind("0xunknown"))
    desk.chain.mine(3)
    desk.work(3)
    assert desk.statuses("p1") == ["confirmed"]


def test_a_reorg_before_finality_changes_no_outcome(desk: Desk) -> None:
    desk.pay("p1")
    desk.work()
    desk.chain.mine(1)
    desk.work()
    assert [row.status for row in desk.transactions()] == [TransactionStatus.INCLUDED]
    desk.chain.reorg(1, remine=False)
    desk.work()
    assert [row.status for row in desk.transactions()] == [TransactionStatus.OPEN]
    desk.confirm()
    assert desk.statuses("p1") == ["confirmed"]


def test_while_no_node_answers_nothing_is_learnt_and_nothing_fails(desk: Desk) -> None:
    desk.pay("p1")
    desk.work()
    desk.chain.go_down("it is asleep")
    with pytest.raises(NodeUnavailable):
        desk.work(after=200)
    assert desk.statuses("p1") == ["sent"]
