"""The web process: granian in front of `create_app`. It passes the `merchant_id` header, which most servers drop."""

import os
import subprocess
import sys

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from cloudpay.app.exits import CONFIGURATION_EXIT
from cloudpay.app.ports import require_free
from cloudpay.kernel.sections import Web

_WORKER_STOP_SECONDS = 6
_HEADERS = HTTP1Settings(header_read_timeout=30_000, max_buffer_size=65_536)
"""Half a minute for the headers, and also between two requests of one connection; 64 KiB for all of them."""


def serve(web: Web) -> None:
    """Serve until SIGTERM or SIGINT; raises `PortTaken`.

    This process only holds the socket and the server's workers; they import the application.
    """
    require_free(web.host, web.port)
    server = Granian(
        "cloudpay.app:create_app",
        address=web.host,
        port=web.port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=web.workers,
        blocking_threads=web.threads,
        backlog=web.backlog,
        http=HTTPModes.http1,
        http1_settings=_HEADERS,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=_WORKER_STOP_SECONDS,
        log_level=LogLevels.warning,
    )
    server.serve()


def check_start() -> None:
    """Open the gateway once in a process of its own; ends this one when the configuration is wrong.

    A server's worker that cannot start is started again and again; its sentence must be said once, and the start stop.
    """
    done = subprocess.run([sys.executable, "-m", "cloudpay.cli", "prepare"], env=os.environ, check=False)
    if done.returncode != 0:
        raise SystemExit(CONFIGURATION_EXIT if done.returncode == CONFIGURATION_EXIT else 1)
