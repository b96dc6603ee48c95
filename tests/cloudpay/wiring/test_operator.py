"""Alerts reach the operator's own webhook, signed; and trouble that no process is left to report is found."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select, update
from standardwebhooks import Webhook

from cloudpay.alerts.service import Alert, alert_views, clear_alert, open_alert
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.errors import ConfigurationError
from cloudpay.kernel.sections import Alerts
from cloudpay.kernel.settings import Settings, convert_settings
from cloudpay.merchants.service import MerchantView
from cloudpay.outbox.models import OutboxRow
from cloudpay.outbox.service import append, drain
from cloudpay.payments.health import verify
from cloudpay.testing import FixedClock
from cloudpay.webhooks.loop import DeliveryLoop
from cloudpay.webhooks.models import Delivery
from cloudpay.webhooks.service import deliveries, enqueue
from cloudpay.wiring import EVENT_HANDLERS
from cloudpay.wiring.watchdog import look_for_trouble

SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0MTIzNDU="
STALLED = Alert(AlertKind.NETWORK_STALLED, "evm", "The network evm is stalled: no node answers.")


@pytest.fixture
def clock() -> FixedClock:
    """Stands still at the real time: receivers refuse signatures that are minutes old."""
    return FixedClock(datetime.now(UTC))


class Inbox:
    """Where the operator hears: each call's headers and body, and how many to refuse first."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], str]] = []
        self.refused = 0
        self.came = Event()
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self.send_response(503 if inbox.refused else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                if inbox.refused:
                    inbox.refused -= 1
                else:
                    inbox.calls.append(({key.lower(): each for key, each in self.headers.items()}, body))
                inbox.came.set()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/alerts"


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    made = Inbox()
    Thread(target=made.server.serve_forever, args=(0.02,), daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def operated(gateway: Gateway, inbox: Inbox) -> Gateway:
    """A gateway whose operator wants to hear; merchants may not name private addresses."""
    alerts = Alerts(url=inbox.url, secret=SECRET)
    return replace(gateway, settings=msgspec.structs.replace(gateway.settings, alerts=alerts))


@contextmanager
def delivering(gateway: Gateway) -> Iterator[None]:
    stop, wake = Event(), Event()
    thread = Thread(target=DeliveryLoop(gateway).run, args=(stop, wake), daemon=True)
    thread.start()
    yield
    stop.set()
    wake.set()
    thread.join(10)


def settle(gateway: Gateway) -> None:
    while drain(gateway, EVENT_HANDLERS):
        pass


def until(condition: Callable[[], bool]) -> None:
    pause = Event()
    for _ in range(500):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("it never came")


def test_opening_and_clearing_reach_the_operator_signed_and_once(
    operated: Gateway, inbox: Inbox, merchant: MerchantView
) -> None:
    operated.db.run(lambda session: open_alert(session, operated, STALLED))
    operated.db.run(lambda session: clear_alert(session, operated, STALLED.kind, "evm"))
    settle(operated)
    with delivering(operated):
        until(lambda: len(inbox.calls) == 2)
    bodies = [Webhook(SECRET).verify(body, headers) for headers, body in inbox.calls]
    assert sorted(body["type"] for body in bodies) == ["alert.cleared", "alert.opened"]
    data = next(body["data"] for body in bodies if body["type"] == "alert.opened")
    assert data["sentence"] == STALLED.sentence and "rpc_urls" in data["advice"]
    assert (data["severity"], data["kind"], data["subject"]) == ("critical", "network_stalled", "evm")
    assert deliveries(operated, merchant.id).items == (), "no merchant sees what is the operator's"


def test_the_operator_is_called_again_like_a_merchant_after_a_failure(
    operated: Gateway, inbox: Inbox, clock: FixedClock
) -> None:
    inbox.refused = 1
    operated.db.run(lambda session: open_alert(session, operated, STALLED))
    settle(operated)
    with delivering(operated):
        assert inbox.came.wait(10)
        until(lambda: open_delivery(operated).attempts == 1)
        assert inbox.calls == []
        clock.advance(timedelta(seconds=6))
        until(lambda: len(inbox.calls) == 1)


def open_delivery(gateway: Gateway) -> Delivery:
    with gateway.db.read() as session:
        return session.scalars(select(Delivery)).one()


def test_without_an_address_nobody_is_called_and_the_list_still_knows(gateway: Gateway) -> None:
    gateway.db.run(lambda session: open_alert(session, gateway, STALLED))
    settle(gateway)
    with gateway.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Delivery)) == 0
    assert len(alert_views(gateway)) == 1


@pytest.mark.parametrize(
    "table", [{"url": "http://ops/"}, {"url": "http://ops/", "secret": "x"}, {"secret": "whsec_QUJD"}]
)
def test_an_address_without_a_proper_secret_stops_the_start(table: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"alerts\.secret"):
        convert_settings({"alerts": table}, Settings, where="test")


def test_an_event_that_keeps_failing_is_told_of_until_it_is_handled(gateway: Gateway) -> None:
    gateway.db.run(lambda session: append(session, gateway.clock, "payment.changed", "pay_1"))
    look_for_trouble(gateway)
    assert alert_views(gateway) == []
    gateway.db.run(lambda session: session.execute(update(OutboxRow).values(attempts=5)))
    look_for_trouble(gateway)
    look_for_trouble(gateway)
    [alert] = alert_views(gateway)
    assert (alert.kind, alert.subject) == (AlertKind.EVENT_FAILING, "payment.changed")
    handled = {"handled_at": datetime.now(UTC)}
    gateway.db.run(lambda session: session.execute(update(OutboxRow).values(**handled)))
    look_for_trouble(gateway)
    assert alert_views(gateway) == []


def test_an_endpoint_that_has_failed_for_long_is_told_of_until_something_arrives(
    gateway: Gateway, merchant: MerchantView, clock: FixedClock
) -> None:
    for number in range(2):
        enqueue(
            gateway,
            event_id=f"evt_{number}",
            event_type="invoice.changed",
            merchant_id=merchant.id,
            livemode=False,
            invoice_id=None,
            url="https://shop.example.com/hook",
            body="{}",
        )
    first = update(Delivery).where(Delivery.event_id == "evt_0")
    gateway.db.run(lambda session: session.execute(first.values(attempts_in_series=4)))
    look_for_trouble(gateway)
    [alert] = alert_views(gateway)
    assert alert.kind is AlertKind.WEBHOOKS_FAILING and "shop.example.com" in alert.subject
    clock.advance(timedelta(minutes=1))
    arrived = update(Delivery).where(Delivery.event_id == "evt_1")
    values = {"status": "succeeded", "finished_at": clock.moment}
    gateway.db.run(lambda session: session.execute(arrived.values(**values)))
    look_for_trouble(gateway)
    assert alert_views(gateway) == []


def test_a_network_that_no_process_looks_at_any_more_is_told_of(gateway: Gateway, clock: FixedClock) -> None:
    verify(gateway, gateway.chains.network("evm"), gateway.chains.adapter("evm"))
    look_for_trouble(gateway)
    assert alert_views(gateway) == []
    clock.advance(timedelta(seconds=601))
    look_for_trouble(gateway)
    assert [(alert.kind, alert.subject) for alert in alert_views(gateway)] == [
        (AlertKind.NETWORK_UNWATCHED, "evm")
    ]
    verify(gateway, gateway.chains.network("evm"), gateway.chains.adapter("evm"))
