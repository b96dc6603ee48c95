"""The processes of a gateway that are killed, and which of them comes by which failpoint."""

import importlib
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from cloudpay.kernel import failpoints
from cloudpay.kernel.failpoints import Failpoint as Place

ROLES = ("watch", "events", "webhooks", "scheduler", "web", "rescan")
LISTENER = "KILLS_LISTENER"
"""The variable with the number of the listening socket that `web` inherits."""

DEFECT = "KILLS_DEFECT"
"""The variable with the name of a defect that is planted."""

DEATHS = "KILLS_DEATHS"
"""The variable with the file in which a process notes at which of its places it is about to die."""

_RESCANNED = 30
_MODULES = (
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "werkzeug.serving",
    "cloudpay.app.http",
    "cloudpay.app.migrate",
    "cloudpay.app.nudged",
    "cloudpay.app.scheduler",
    "cloudpay.app.worker",
    "cloudpay.cli.processes",
    "cloudpay.payments.rescan",
    "cloudpay.payouts.api",
    "cloudpay.transactions.loop",
    "cloudpay.webhooks.loop",
    "cloudpay.wiring",
    "cloudpay_evm.adapter",
    "cloudpay_tron.adapter",
    "coincurve",
)
_EVERYWHERE = (Place.OUTBOX_APPENDED, Place.TRANSACTION_COMMITTED, Place.NUDGE_DUE)
PLACES: Mapping[str, Sequence[Place]] = {
    "watch": (
        Place.NETWORK_VERIFIED, Place.LEASE_TAKEN, Place.LEASE_RENEWED, Place.LEASE_LOST, Place.POLL_BEGUN,
        Place.PAGE_SCANNED, Place.PAGE_FENCED, Place.PAGE_REWOUND, Place.PAYMENT_OBSERVED, Place.PAGE_TAKEN_IN,
        Place.CREDIT_POSTED, Place.CREDIT_ANNOUNCED, Place.PAGE_SETTLED, Place.PAGE_COMMITTED, Place.BALANCES_ASKED,
        Place.BALANCES_RECORDED, Place.HEARTBEAT_RECORDED, Place.HEARTBEAT_COMMITTED, *_EVERYWHERE,
    ),
    "rescan": (Place.RESCAN_TAKEN_IN, Place.RESCAN_COMMITTED),
    "events": (
        Place.OUTBOX_CLAIMED, Place.INVOICE_CHANGED, Place.INVOICE_COMMITTED, Place.WEBHOOK_INSERTED,
        Place.WEBHOOK_COMMITTED, Place.OUTBOX_HANDLED, Place.OUTBOX_MARKED, *_EVERYWHERE,
    ),
    "scheduler": (Place.EXPIRY_DECIDED, Place.INVOICE_CHANGED, Place.NUDGE_DUE),
    "webhooks": (
        Place.DELIVERY_CLAIMED, Place.DELIVERY_SENT, Place.DELIVERY_SETTLED, Place.DELIVERY_COMMITTED,
        Place.TRANSACTION_COMMITTED,
    ),
    "web": (
        Place.ADDRESS_PLANNED, Place.IDEMPOTENCY_TAKEN, Place.INVOICE_INSERTED, Place.IDEMPOTENCY_STORED,
        Place.INVOICE_STORED, Place.TRANSACTION_COMMITTED,
    ),
}  # fmt: skip
"""By process, the failpoints that it comes by while money comes in."""

BALANCES = frozenset((Place.BALANCES_ASKED, Place.BALANCES_RECORDED))
"""Passed only where the node's traces are not used."""

RARE = frozenset(
    (
        Place.NETWORK_VERIFIED, Place.LEASE_TAKEN, Place.LEASE_RENEWED, Place.LEASE_LOST, Place.PAGE_REWOUND,
        Place.EXPIRY_DECIDED, Place.RESCAN_TAKEN_IN, Place.RESCAN_COMMITTED, Place.OUTSIDE_NOTED,
        Place.OUTSIDE_BOOKED, Place.PAYOUT_CONFIRMED, Place.PAYOUT_WITHDRAWN, Place.PAYOUT_CANCELLED,
        Place.SWEEP_NOTED, Place.SWEEP_PLANNED, Place.SWEEP_BOOKED, Place.SWEEP_REQUESTED, Place.SWEEP_COMMITTED,
        Place.SWEEP_FOLLOWED, Place.TOP_UP_BOOKED, Place.TOP_UP_REQUESTED, Place.SWEEP_TAKEN_BACK,
        Place.COLD_REQUESTED, Place.COLD_COMMITTED, Place.SEND_REPEATED,
        Place.SEND_REPLACED, Place.SEND_FROZEN, Place.SEND_REFUSED, Place.SEND_QUOTED,
    )
)  # fmt: skip
"""Passed once or seldom in a process's life, so that the first passage is the one to be killed at."""

LONGEST: Mapping[str, int] = {"watch": 3, "send": 2}
"""The latest passage at which a process of a role dies; that of others is the eighth."""


def preload() -> None:
    """Import what the processes will need, so that each fork has it already."""
    for module in _MODULES:
        importlib.import_module(module)


def work(role: str) -> None:
    """Be a process of this role until it is ended."""
    from cloudpay.app.exits import CONFIGURATION_EXIT
    from cloudpay.cli import cli
    from cloudpay.kernel.errors import ConfigurationError

    _note_deaths(os.environ[DEATHS])
    if DEFECT in os.environ:
        from tests.kills_out.defects import plant

        plant(os.environ)
    try:
        if role == "web":
            _serve()
        elif role == "rescan":
            _rescan()
    except ConfigurationError as error:  # the commands end so, too
        raise SystemExit(CONFIGURATION_EXIT) from error
    else:
        cli(["scheduler"] if role == "scheduler" else ["worker", role])


def _note_deaths(file: str) -> None:
    """Have each place that is armed note itself before it acts: a process that is armed with several tells which."""
    real = failpoints.arm

    def arm(place: Place, act: Callable[[], None], **passages: Any) -> None:
        def noted() -> None:
            with Path(file).open("a", encoding="utf-8") as deaths:
                deaths.write(f"{os.getpid()} {place}\n")
            act()

        real(place, noted, **passages)

    mock.patch.object(failpoints, "arm", arm).start()


def _serve() -> None:
    """The application behind a plain server: it is forked in no time, and shares its socket as granian's workers do."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    from cloudpay.app import create_app

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_request(self, *_: object) -> None:
            """The application logs its requests itself."""

    listener = socket.socket(fileno=int(os.environ[LISTENER]))
    host, port = listener.getsockname()
    make_server(
        host, port, create_app(), threaded=True, request_handler=Quiet, fd=listener.fileno()
    ).serve_forever()


def _rescan() -> None:
    """Read the newest blocks again and again, as an anxious operator would."""
    from sqlalchemy.exc import DBAPIError

    from cloudpay.app.start import open_gateway
    from cloudpay.kernel.errors import CloudPayError
    from cloudpay.kernel.log import get_logger
    from cloudpay.kernel.settings import load_settings
    from cloudpay.payments.networks import network_views
    from cloudpay.payments.rescan import rescan

    gateway, log = open_gateway(load_settings(), process="rescan"), get_logger(__name__)
    while True:
        try:
            [network] = network_views(gateway)
            last = network.cursor or 0
            rescan(gateway, network.code, max(1, last - _RESCANNED), last, lambda _height, _found: None)
        except (
            CloudPayError,
            DBAPIError,
        ) as error:  # a reorganisation, or no database: the command says so and ends
            log.warning("rescan_ended", reason=str(error))
        time.sleep(0.5)  # the operator's own pace
