"""A process whose machine clock is off by so many seconds: `python -m tests.flows.nodes.skewed SECONDS DATABASE TABLE`.

Looks at the chain once, hands events on and expires what is due, by the database's clock, as workers do.
"""

import datetime as dt
import json
import sys
import time

OFF = float(sys.argv[1]) if __name__ == "__main__" else 0.0
_real_time, _real_ns, _RealDatetime = time.time, time.time_ns, dt.datetime


class SkewedDatetime(dt.datetime):
    """Tells the time of the machine's wrong clock."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> "SkewedDatetime":
        """Answer a moment that is off."""
        return cls.fromtimestamp(time.time(), tz)


def main(database: str, table: str) -> None:
    """Do what a worker does once, with every clock of this machine off; print what the machine believes the time is."""
    time.time = lambda: _real_time() + OFF
    time.time_ns = lambda: _real_ns() + int(OFF * 1e9)
    dt.datetime = SkewedDatetime  # type: ignore[misc]  # before anything of the gateway is imported

    from cloudpay.chains.gateway import Gateway
    from cloudpay.chains.registry import load_chains
    from cloudpay.invoices.change import expire_due
    from cloudpay.kernel.clock import DatabaseClock
    from cloudpay.kernel.db import Database
    from cloudpay.kernel.leases import LeaseKeeper
    from cloudpay.kernel.secrets import KEY_BYTES, AppKey
    from cloudpay.kernel.settings import Settings
    from cloudpay.outbox.service import drain
    from cloudpay.payments.health import verify
    from cloudpay.payments.loop import LEASE_TTL
    from cloudpay.payments.watcher import Watcher
    from cloudpay.wiring import EVENT_HANDLERS
    from cloudpay.wiring.watchdog import look_for_trouble

    tables = {"evm": json.loads(table)}
    db, clock = Database(database), DatabaseClock()
    gateway = Gateway(
        Settings(networks=tables), db, clock, load_chains(tables, "evm"), AppKey(bytes(KEY_BYTES))
    )
    network, adapter = gateway.chains.network("evm"), gateway.chains.adapter("evm")
    keeper = LeaseKeeper(db, clock, "watch:evm", "skewed", LEASE_TTL)
    verify(gateway, network, adapter)
    Watcher(gateway, network, adapter, keeper).poll()
    while drain(gateway, EVENT_HANDLERS):
        pass
    expire_due(gateway)
    look_for_trouble(gateway)
    keeper.release()
    gateway.chains.close()
    db.close()
    print(dt.datetime.now(dt.UTC).isoformat())  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[2:])
