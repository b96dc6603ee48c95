"""A provider's key goes to that provider alone, never in the clear, and is never shown."""

from typing import Any, cast

import pytest

from cloudpay.chains.errors import NodeUnavailable, UnusableTable
from cloudpay.chains.registry import load_chains
from cloudpay_tron.adapter import TronAdapter
from cloudpay_tron.node import Node

KEY, HEADER = "7b6e0d4c-a-key-of-our-own", "TRON-PRO-API-KEY"
GRID, OTHER = "https://api.trongrid.io", "https://tron.example/v1"


def open_adapter(*urls: str, **more: Any) -> TronAdapter:
    table = {**({"rpc_urls": list(urls)} if urls else {}), "api_key": KEY, **more}
    return cast("TronAdapter", load_chains({"tron": table}, "tron").adapter("tron"))


def keys_of(adapter: TronAdapter) -> dict[str, Any]:
    return {
        each.node.name: each.node._session.headers[HEADER]
        for each in adapter.nodes.members
        if HEADER in each.node._session.headers
    }


@pytest.mark.parametrize(
    ("urls", "told"),
    [
        ((), ["api.trongrid.io"]),
        ((OTHER, GRID, "https://eviltrongrid.io", "https://api.trongrid.io.example"), ["api.trongrid.io"]),
        ((GRID, "http://127.0.0.1:8090"), ["api.trongrid.io"]),
        ((OTHER, f"{OTHER}/2"), ["tron.example", "tron.example (2)"]),
        (("http://127.0.0.1:8090",), ["127.0.0.1:8090"]),
        (("http://localhost:8090",), ["localhost:8090"]),
    ],
)
def test_a_key_goes_to_its_provider_and_to_no_other_node(urls: tuple[str, ...], told: list[str]) -> None:
    adapter = open_adapter(*urls)
    assert keys_of(adapter) == dict.fromkeys(told, KEY)
    adapter.close()


@pytest.mark.parametrize("url", ["http://api.trongrid.io", "http://java-tron:8090", "http://10.0.0.7:8090"])
def test_a_key_is_not_sent_in_the_clear(url: str) -> None:
    with pytest.raises(UnusableTable, match="for everybody to read: write https://"):
        open_adapter(url)
    open_adapter(url, api_key="").close()


def test_a_key_that_is_for_none_of_several_hosts_is_refused_at_the_start() -> None:
    with pytest.raises(UnusableTable, match="api_key is for no node"):
        open_adapter(OTHER, "https://another.example")


def test_a_key_that_a_node_repeats_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    told = f'{{"Error": "ApiKey {KEY} not exists"}}'.encode()
    monkeypatch.setattr(Node, "post", lambda *_: told)
    adapter = open_adapter(GRID)
    with pytest.raises(NodeUnavailable, match=r"ApiKey \[hidden\] not exists") as raised:
        adapter.head()
    assert KEY not in str(raised.value)
    assert KEY not in str(adapter.health())
    adapter.close()
