"""The application as a server process loads it, over a database that a test has made."""

import os

from flask import Flask

from cloudpay.app import create_app
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.registry import load_chains
from cloudpay.kernel import log
from cloudpay.kernel.clock import DatabaseClock
from cloudpay.kernel.db import Database
from cloudpay.kernel.secrets import KEY_BYTES, AppKey
from cloudpay.kernel.sections import Log, Web
from cloudpay.kernel.settings import Settings


def make() -> Flask:
    """Build it; networks are not needed for what these tests ask."""
    log.configure(level="info", json=True)
    settings = Settings(web=Web(max_body_bytes=65_536), log=Log(format="json"))
    database = Database(os.environ["SERVED_DATABASE"])
    chains = load_chains({}, "evm")
    return create_app(gateway=Gateway(settings, database, DatabaseClock(), chains, AppKey(bytes(KEY_BYTES))))
