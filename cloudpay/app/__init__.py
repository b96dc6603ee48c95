"""The HTTP application, and how its processes and the workers start."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from cloudpay.chains.gateway import Gateway
    from cloudpay.kernel.settings import Settings


def create_app(settings: "Settings | None" = None, *, gateway: "Gateway | None" = None) -> "Flask":
    """Build the application; without arguments from the configuration that `load_settings` finds.

    What it needs is imported here, so that a command that serves nothing does not load a web framework.
    """
    from cloudpay.app.http import build
    from cloudpay.app.start import open_gateway
    from cloudpay.kernel.settings import load_settings

    return build(gateway or open_gateway(settings or load_settings(), process="web"))
