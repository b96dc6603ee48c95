"""The kill switch: in SQL, beside the seal key, by a person or by what happened."""

import pytest

from cloudpay.audit.service import entries
from cloudpay.kernel import failpoints
from cloudpay.kernel.errors import Unavailable
from cloudpay.kernel.failpoints import Failpoint
from cloudpay.transactions import control
from cloudpay.transactions.control import NotFrozen, NotReconciled, frozen_networks
from cloudpay.transactions.states import TransactionStatus
from cloudpay.wallets.freezes import EVERYWHERE
from cloudpay.wallets.switch import read_file
from tests.cloudpay.transactions.desk import FEE, FUNDS, Desk, recipient_of

PERSON = "cli:test"


def test_f72_a_frozen_gateway_signs_nothing_and_goes_on_when_it_is_thawed(desk: Desk) -> None:
    control.freeze(desk.gateway, EVERYWHERE, "a key may be stolen", actor=PERSON)
    desk.pay("p1")
    desk.work(3)
    assert desk.statuses("p1") == ["queued"]
    assert desk.attempts() == []
    assert [*frozen_networks(desk.gateway)] == ["evm"]
    control.thaw(desk.gateway, EVERYWHERE, "false alarm", actor=PERSON)
    desk.work()
    assert desk.statuses("p1") == ["sent"]
    actions = [each.action for each in entries(desk.gateway).items if each.actor == PERSON]
    assert {"network.frozen", "network.thawed", "sending.thawed"} <= set(actions)
    assert (len(desk.events("alert.opened")), len(desk.events("alert.cleared"))) == (1, 1)


def test_one_network_is_frozen_without_the_others(desk: Desk) -> None:
    control.freeze(desk.gateway, "evm", "strange payouts", actor=PERSON)
    assert frozen_networks(desk.gateway)["evm"].reason == "strange payouts"
    with pytest.raises(NotFrozen):
        control.thaw(desk.gateway, EVERYWHERE, "all is well", actor=PERSON)
    control.thaw(desk.gateway, "evm", "all is well", actor=PERSON)
    assert frozen_networks(desk.gateway) == {}


def test_what_was_signed_before_a_freeze_is_not_handed_out_and_not_forgotten(desk: Desk) -> None:
    desk.pay("p1")
    desk.work()
    control.freeze(desk.gateway, "evm", "strange payouts", actor=PERSON)
    desk.chain.forget()
    heard = len(desk.chain.heard)
    desk.work(2)
    assert len(desk.chain.heard) == heard
    control.thaw(desk.gateway, "evm", "explained", actor=PERSON)
    desk.work()
    desk.confirm()
    assert desk.statuses("p1") == ["confirmed"]
    assert len(desk.attempts()) == 1


def test_what_is_signed_when_somebody_freezes_is_not_handed_out(desk: Desk) -> None:
    """Between the commit of the bytes and their broadcast a freeze is said, and holds."""
    desk.pay("p1")

    def freeze() -> None:
        failpoints.disarm()
        control.freeze(desk.gateway, EVERYWHERE, "a key may be stolen", actor=PERSON)

    failpoints.arm(Failpoint.SEND_COMMITTED, freeze)
    desk.work(2)
    assert len(desk.attempts()) == 1 and desk.chain.heard == []
    control.thaw(desk.gateway, EVERYWHERE, "false alarm", actor=PERSON)
    desk.work()
    assert desk.statuses("p1") == ["sent"]
    assert len(desk.attempts()) == 1


def test_a_freeze_in_the_database_is_kept_beside_the_seal_key_too(desk: Desk) -> None:
    """Whoever steals the database, and deletes the row, has not thawed anything."""
    control.freeze(desk.gateway, "evm", "strange payouts", actor=PERSON)
    assert read_file(desk.gateway.settings, "evm") == "strange payouts"
    with desk.gateway.db.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM freezes")
    desk.pay("p1")
    desk.work(2)
    assert desk.statuses("p1") == ["queued"]
    control.thaw(desk.gateway, "evm", "explained", actor=PERSON)
    desk.work()
    assert desk.statuses("p1") == ["sent"]


def test_a_file_beside_the_seal_key_freezes_by_itself(desk: Desk) -> None:
    (desk.gateway.settings.seal_key_path.parent / "frozen").write_text("by hand\n")
    desk.pay("p1")
    desk.work()
    assert desk.statuses("p1") == ["queued"]
    assert frozen_networks(desk.gateway)["evm"].reason == "by hand"


def test_a_worker_writes_the_file_for_whoever_froze_from_another_machine(desk: Desk) -> None:
    control.freeze(desk.gateway, "evm", "strange payouts", actor=PERSON)
    (desk.gateway.settings.seal_key_path.parent / "frozen-evm").unlink()  # another machine has no such folder
    desk.work()
    assert read_file(desk.gateway.settings, "evm") == "strange payouts"


def test_f57_what_was_overtaken_fails_only_when_a_person_has_reconciled(desk: Desk) -> None:
    desk.pay("p1")
    desk.work()
    desk.chain.spend_from_outside(desk.master.address, recipient_of("a thief"), 7)
    desk.chain.mine(5)
    desk.work(2)
    with pytest.raises(NotReconciled):
        control.thaw(desk.gateway, "evm", "never mind", actor=PERSON)
    assert desk.statuses("p1") == ["sent"]
    assert control.thaw(desk.gateway, "evm", "the old wallet", reconciled=True, actor=PERSON) == 1
    assert desk.statuses("p1") == ["failed"]
    assert [row.status for row in desk.transactions()] == [TransactionStatus.ABANDONED]
    assert desk.books() == (FUNDS, 0)
    desk.pay("p2")
    desk.work()
    desk.confirm()
    assert desk.statuses("p2") == ["confirmed"]
    assert desk.books() == (FUNDS - 100 - FEE, 0)


def test_a_network_that_may_not_be_trusted_signs_nothing(desk: Desk) -> None:
    def closed(*_arguments: object) -> None:
        raise Unavailable("The network is stalled.")

    desk.gate = closed
    desk.restart()
    desk.pay("p1")
    desk.work(2)
    assert desk.statuses("p1") == ["queued"]


def test_a_network_that_closes_while_drafts_are_signed_keeps_none_of_them(desk: Desk) -> None:
    asked: list[int] = []

    def closing(*_arguments: object) -> None:
        asked.append(1)
        if len(asked) > 1:
            raise Unavailable("The network is stalled.")

    desk.gate = closing
    desk.restart()
    desk.pay("p1")
    with pytest.raises(Unavailable):
        desk.work()
    assert desk.attempts() == []
    assert desk.statuses("p1") == ["queued"]


LIMITS = """
[networks.evm.assets.ETH]
per_transaction = "0.0000000000000005"
per_day = "1"
"""


def test_f72_what_is_above_a_ceiling_is_held_said_and_goes_out_when_it_is_raised(desk: Desk) -> None:
    path = desk.gateway.settings.signer_limits_path
    path.write_text(LIMITS)
    desk.pay("big", amount=501)
    desk.pay("small")
    desk.work(2)
    assert desk.statuses("big", "small") == ["queued", "sent"]
    assert "limits file" in desk.view("big").reason
    assert len(desk.events("alert.opened")) == 1
    path.write_text(LIMITS.replace("5", "6"))
    desk.work(2, after=61)
    assert desk.statuses("big") == ["sent"]
    desk.work()
    assert len(desk.events("alert.cleared")) == 1
    desk.confirm()
    assert desk.received("big") == 501


def test_a_file_of_ceilings_that_cannot_be_read_signs_nothing_and_says_so(desk: Desk) -> None:
    desk.gateway.settings.signer_limits_path.write_text("not toml")
    desk.pay("p1")
    desk.work(2)
    assert desk.attempts() == []
    assert len(desk.events("alert.opened")) == 1
