import stat
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cloudpay.app.ports import free_port
from cloudpay.app.valkey import plan


def test_the_bundled_valkey_listens_where_only_this_user_may_connect(valkey: Any, tmp_path: Path) -> None:
    path = Path(urlsplit(valkey.url).path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert valkey.client().config_get("port") == {"port": "0"}


def test_the_bundled_valkey_writes_nothing_to_disk(valkey: Any, tmp_path: Path) -> None:
    client = valkey.client()
    client.set("nudge", "1")
    assert client.config_get("save") == {"save": ""}
    assert client.config_get("appendonly") == {"appendonly": "no"}


def test_a_data_folder_with_a_long_path_gets_a_socket_with_a_short_one(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    path = urlsplit(plan(deep).url).path
    assert len(path) <= 100
    assert stat.S_IMODE(Path(path).parent.stat().st_mode) == 0o700


def test_a_port_can_be_asked_for_and_is_on_loopback_alone(tmp_path: Path) -> None:
    port = free_port()
    server = plan(tmp_path, port=port)
    assert server.url == f"redis://127.0.0.1:{port}/0"
    assert server.command[server.command.index("--bind") + 1] == "127.0.0.1"
