"""The state of a network: who changes it, what is announced, what is closed meanwhile."""

import json
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from cloudpay.audit.service import entries
from cloudpay.chains.errors import NodeUnavailable, UnknownNetwork, WrongChain
from cloudpay.chains.gateway import Gateway
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.kernel.errors import Conflict
from cloudpay.outbox.models import OutboxRow
from cloudpay.payments.health import note_silence, verify
from cloudpay.payments.networks import (
    NetworkClosed,
    network_row,
    network_views,
    pause,
    polled_after,
    require_open,
    resume,
)
from cloudpay.payments.service import verify_networks
from cloudpay.payments.states import NetworkStatus
from cloudpay.testing import FakePlugin, FixedClock
from tests.cloudpay.payments.looping import LIMIT, view
from tests.cloudpay.shop import Shop

SECOND = timedelta(seconds=1)


def verified(gateway: Gateway, code: str = "evm") -> None:
    verify(gateway, gateway.chains.network(code), gateway.chains.adapter(code))


def told(gateway: Gateway) -> list[tuple[str, str, str, str]]:
    """Answer what was announced of networks: event, network, the state before, why."""
    with gateway.db.read() as session:
        rows = session.scalars(
            select(OutboxRow).where(OutboxRow.name.like("network.%")).order_by(OutboxRow.id)
        )
        return [
            (row.name, row.subject, *(json.loads(row.payload)[key] for key in ("was", "reason")))
            for row in rows
        ]


def check_open(gateway: Gateway, code: str = "evm") -> None:
    with gateway.db.read() as session:
        require_open(session, gateway, gateway.chains.network(code))


def test_a_network_that_nobody_has_looked_at_is_shown_unverified_and_closed(gateway: Gateway) -> None:
    views = network_views(gateway)
    assert [each.code for each in views] == ["evm", "fake2"]
    assert {each.status for each in views} == {NetworkStatus.UNVERIFIED}
    assert "cloudpay worker watch" in views[0].reason
    assert (views[0].lag, views[0].gaps) == (None, 0)
    with pytest.raises(NetworkClosed, match="No node has been verified yet"):
        check_open(gateway)


def test_a_verified_network_is_open_and_its_neighbour_is_not(gateway: Gateway) -> None:
    verified(gateway)
    check_open(gateway)
    assert [each.status for each in network_views(gateway)] == [
        NetworkStatus.ACTIVE,
        NetworkStatus.UNVERIFIED,
    ]
    with pytest.raises(NetworkClosed):
        check_open(gateway, "fake2")


def test_a_view_says_how_far_a_network_was_read(shop: Shop) -> None:
    shop.mine(4)
    shop.chain.mine(3)
    shop.watcher.stop.set()  # it hears of the new head and stops before it reads
    shop.watcher.poll()
    found = view(shop.gateway)
    assert (found.cursor, found.head, found.lag, found.gaps) == (5, 8, 3, 0)
    assert (found.final, found.node) == (3, "fake node")  # of what was read; the node's own is 6 by now


def test_an_open_network_that_nobody_has_looked_at_for_long_is_closed(
    gateway: Gateway, clock: FixedClock
) -> None:
    verified(gateway)
    allowed = timedelta(seconds=gateway.chains.network("evm").settings.stalled_after_seconds)
    clock.advance(allowed)
    check_open(gateway)
    clock.advance(SECOND)
    with pytest.raises(
        NetworkClosed, match="is stalled and takes no new invoices now: It was last looked at"
    ):
        check_open(gateway)


def test_pausing_and_resuming_is_announced_with_its_reason(gateway: Gateway) -> None:
    verified(gateway)
    pause(gateway, "evm", "Node upgrade.")
    assert (view(gateway).status, view(gateway).reason) == (NetworkStatus.PAUSED, "Node upgrade.")
    with pytest.raises(NetworkClosed, match="is paused and takes no new invoices now: Node upgrade"):
        check_open(gateway)
    resume(gateway, "evm")
    assert view(gateway).status is NetworkStatus.UNVERIFIED
    verified(gateway)
    assert (view(gateway).status, view(gateway).reason) == (NetworkStatus.ACTIVE, "")
    assert [each[:3] for each in told(gateway)] == [
        ("network.active", "evm", "unverified"),
        ("network.paused", "evm", "active"),
        ("network.unverified", "evm", "paused"),
        ("network.active", "evm", "unverified"),
    ]
    assert told(gateway)[1][3] == "Node upgrade."


def test_a_new_reason_alone_is_kept_and_not_announced(gateway: Gateway) -> None:
    pause(gateway, "evm", "Node upgrade.")
    pause(gateway, "evm", "Disk change.")
    assert view(gateway).reason == "Disk change."
    assert told(gateway) == [("network.paused", "evm", "unverified", "Node upgrade.")]


def test_a_network_may_be_paused_before_it_was_ever_looked_at(gateway: Gateway) -> None:
    pause(gateway, "fake2", "Not yet.")
    verified(gateway, "fake2")
    assert view(gateway, "fake2").status is NetworkStatus.PAUSED


def test_only_resume_ends_a_pause(shop: Shop, clock: FixedClock) -> None:
    pause(shop.gateway, "evm", "Maintenance.")
    shop.verify()
    shop.mine(3)
    shop.chain.wrong_chain = True
    with pytest.raises(WrongChain):
        shop.verify()
    clock.advance(timedelta(days=1))
    note_silence(shop.gateway, shop.watcher.network, NodeUnavailable("evm", "no route to host"))
    assert (view(shop.gateway).status, view(shop.gateway).reason) == (NetworkStatus.PAUSED, "Maintenance.")


def test_only_a_paused_network_can_be_resumed(gateway: Gateway) -> None:
    verified(gateway)
    with pytest.raises(Conflict, match="The network evm is active, not paused"):
        resume(gateway, "evm")


def test_an_unknown_network_is_refused(gateway: Gateway) -> None:
    with pytest.raises(UnknownNetwork, match="solana"):
        pause(gateway, "solana", "Node upgrade.")
    with pytest.raises(UnknownNetwork, match="solana"):
        resume(gateway, "solana")


def test_f42_a_network_whose_node_turned_out_wrong_is_not_read(shop: Shop) -> None:
    invoice = shop.ask()
    shop.chain.wrong_chain = True
    with pytest.raises(WrongChain):
        shop.verify()
    shop.pay(invoice)
    shop.mine(5)
    assert view(shop.gateway).cursor == 1
    assert shop.state(invoice).payments == ()
    shop.chain.wrong_chain = False
    shop.verify()
    shop.look()
    assert shop.state(invoice).status is InvoiceStatus.PAID


def test_silence_stalls_an_active_network_only_after_long_enough(gateway: Gateway, clock: FixedClock) -> None:
    network, silence = gateway.chains.network("evm"), NodeUnavailable("evm", "no route to host")
    verified(gateway)
    clock.advance(timedelta(seconds=network.settings.stalled_after_seconds))
    note_silence(gateway, network, silence)
    assert view(gateway).status is NetworkStatus.ACTIVE
    clock.advance(SECOND)
    note_silence(gateway, network, silence)
    note_silence(gateway, network, silence)
    assert (view(gateway).status, view(gateway).reason) == (NetworkStatus.STALLED, silence.message)
    assert [each[0] for each in told(gateway)] == ["network.active", "network.stalled"]


def test_all_networks_are_verified_side_by_side_and_the_unreachable_ones_are_named(
    gateway: Gateway, fakes: FakePlugin
) -> None:
    fakes.chains["evm"].go_down("no route to host")
    problems = verify_networks(gateway)
    assert list(problems) == ["evm"]
    assert "no route to host" in problems["evm"]
    assert [each.status for each in network_views(gateway)] == [
        NetworkStatus.UNVERIFIED,
        NetworkStatus.ACTIVE,
    ]
    fakes.chains["fake2"].wrong_chain = True
    with pytest.raises(WrongChain):
        verify_networks(gateway)


def test_a_moment_counts_as_looked_at_only_when_every_network_was_polled_after_it(
    shop: Shop, clock: FixedClock
) -> None:
    moment = clock.moment

    def looked(*codes: str) -> bool:
        with shop.gateway.db.read() as session:
            return polled_after(session, set(codes), moment)

    assert not looked("evm")  # the last poll began at that moment, not after it
    clock.advance(2 * SECOND)
    shop.look()
    assert looked("evm")
    assert not looked("evm", "fake2")


def test_two_processes_that_first_hear_of_a_network_at_once_share_one_row(gateway: Gateway) -> None:
    """Web and watch processes verify at their start, side by side."""
    begun, found = threading.Event(), list[str]()

    def second() -> None:
        begun.wait(LIMIT)
        found.append(gateway.db.run(lambda session: network_row(session, "evm").status))

    thread = threading.Thread(target=second)
    thread.start()
    with gateway.db.transaction() as session:
        network_row(session, "evm").status = NetworkStatus.ACTIVE
        session.flush()
        begun.set()
        thread.join(0.3)  # it waits for this transaction
        assert found == []
    thread.join(LIMIT)
    assert found == [NetworkStatus.ACTIVE]


def test_pausing_and_resuming_are_audited_with_who_did_it(shop: Shop) -> None:
    pause(shop.gateway, shop.code, "Maintenance.", actor="cli:alice")
    resume(shop.gateway, shop.code, actor="cli:bob")
    done = [
        (each.actor, each.action, each.subject)
        for each in entries(shop.gateway).items
        if each.subject == shop.code
    ]
    assert done == [("cli:bob", "network.resumed", shop.code), ("cli:alice", "network.paused", shop.code)]
