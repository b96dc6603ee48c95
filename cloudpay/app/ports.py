"""Ports of this machine."""

import socket

from cloudpay.kernel.errors import ConfigurationError


class PortTaken(ConfigurationError):
    """An address cannot be listened on."""

    code = "port_taken"

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"{host}:{port} cannot be listened on ({reason}). Stop what listens there, or choose another port ([web] "
            "in the settings, --port of the demo)."
        )
        self.host, self.port = host, port


def free_port() -> int:
    """Answer a port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def require_free(host: str, port: int) -> None:
    """Raise `PortTaken` when the address cannot be listened on."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(
                socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
            )  # as servers do: no wait after a restart
            probe.bind(address)
    except OSError as error:
        raise PortTaken(host, port, error.strerror or str(error)) from error
