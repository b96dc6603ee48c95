"""The HTTP application, and how its processes and the workers start."""

from contextlib import nullcontext
from typing import TYPE_CHECKING

from cloudpay.kernel.loading import loading

if TYPE_CHECKING:
    from flask import Flask

    from cloudpay.chains.gateway import Gateway
    from cloudpay.kernel.settings import Settings


def create_app(settings: "Settings | None" = None, *, gateway: "Gateway | None" = None) -> "Flask":
    """Build the application; without arguments from the configuration that `load_settings` finds.

    What it needs is imported here, so that a command that serves nothing does not load a web framework.
    """
    with loading() if gateway is None else nullcontext():  # tests make many, which must all be collected
        from cloudpay.app.http import build
        from cloudpay.app.start import open_gateway
        from cloudpay.kernel.settings import load_settings

        return build(gateway or open_gateway(settings or load_settings(), process="web"))
