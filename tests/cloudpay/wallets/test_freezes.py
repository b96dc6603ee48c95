from datetime import timedelta

from cloudpay.audit.service import entries
from cloudpay.chains.gateway import Gateway
from cloudpay.testing.clock import START
from cloudpay.wallets.freezes import EVERYWHERE, Freeze, freeze, freezes, frozen, thaw


def test_a_frozen_network_says_why_and_others_are_not_frozen(gateway: Gateway) -> None:
    with gateway.db.transaction() as session:
        assert frozen(session, "evm") is None
        assert freeze(session, "evm", "money left that we did not send", START)
        assert frozen(session, "evm") == Freeze("evm", "money left that we did not send", START)
        assert frozen(session, "fake2") is None


def test_the_first_reason_stands_until_it_is_thawed(gateway: Gateway) -> None:
    with gateway.db.transaction() as session:
        assert freeze(session, "evm", "first", START)
        assert not freeze(session, "evm", "second", START + timedelta(hours=1))
        assert frozen(session, "evm") == Freeze("evm", "first", START)
        assert thaw(session, "evm", actor="cli:test")
        assert not thaw(session, "evm", actor="cli:test")
        assert frozen(session, "evm") is None


def test_a_later_freeze_that_needs_a_reconciliation_adds_its_need_to_the_first_reason(
    gateway: Gateway,
) -> None:
    with gateway.db.transaction() as session:
        assert freeze(session, "evm", "first", START)
        assert not freeze(session, "evm", "an old backup", START, needs_reconciliation=True)
        assert not freeze(session, "evm", "an old backup", START, needs_reconciliation=True)
        assert not freeze(session, "evm", "third", START)
        assert frozen(session, "evm") == Freeze("evm", "first", START, needs_reconciliation=True)
    told = [each.details["reason"] for each in entries(gateway).items]
    assert told == ["an old backup", "first"]


def test_what_is_frozen_everywhere_is_so_on_each_network(gateway: Gateway) -> None:
    with gateway.db.transaction() as session:
        freeze(session, EVERYWHERE, "stop", START, actor="cli:test")
        freeze(session, "evm", "money left", START + timedelta(hours=1))
        assert frozen(session, "fake2") == Freeze(EVERYWHERE, "stop", START)
        thaw(session, EVERYWHERE, actor="cli:test")
        assert frozen(session, "fake2") is None
        assert [each.reason for each in freezes(session)] == ["money left"]


def test_who_froze_and_who_thawed_is_in_the_audit_log(gateway: Gateway) -> None:
    with gateway.db.transaction() as session:
        freeze(session, "evm", "money left", START)
        freeze(session, "evm", "money left again", START)
        thaw(session, "evm", actor="cli:ann")
    told = [(each.action, each.actor, each.subject) for each in entries(gateway).items]
    assert told == [("network.thawed", "cli:ann", "evm"), ("network.frozen", "system", "evm")]
