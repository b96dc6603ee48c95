"""Where one call may go (F90)."""

import socket
import threading
import time

import pytest

from cloudpay.webhooks.states import DeliveryStatus
from tests.cloudpay.webhooks.calling import PUBLIC, Resolver, post

FORBIDDEN = [
    *(
        "127.0.0.1",
        "127.8.8.8",
        "10.1.2.3",
        "172.31.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.100.100.200",
    ),
    *(
        "0.0.0.0",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "192.0.0.8",
        "192.88.99.1",
        "192.0.2.1",
    ),
    *(
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "::7f00:1",
    ),
    *(
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "2002:a00:1::",
        "2001::1",
        "2001:db8::1",
        "3fff::1",
        "5f00::1",
        "fec0::1",
    ),
]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_a_name_that_leads_inside_is_never_connected_to(resolver: Resolver, address: str) -> None:
    resolver.answers["shop.example"] = [[address]]
    resolver.refuse_connections()
    outcome = post("https://shop.example/hook")
    assert outcome.status is DeliveryStatus.FAILED
    assert "not a public address" in (outcome.error or "")
    assert resolver.connected == []


@pytest.mark.parametrize("addresses", [[PUBLIC, "127.0.0.1"], ["10.0.0.1", PUBLIC], [PUBLIC, "::1"]])
def test_one_inside_address_among_public_ones_refuses_all(resolver: Resolver, addresses: list[str]) -> None:
    resolver.answers["shop.example"] = [addresses]
    resolver.refuse_connections()
    assert "not a public address" in (post("http://shop.example/").error or "")
    assert resolver.connected == []


def test_a_name_that_is_rebound_after_the_check_is_connected_to_where_it_was_checked(
    resolver: Resolver,
) -> None:
    resolver.answers["shop.example"] = [[PUBLIC], ["127.0.0.1"]]
    resolver.refuse_connections()
    post("https://shop.example/hook")
    assert resolver.asked == ["shop.example"]
    assert resolver.connected == [PUBLIC]


def test_each_checked_address_is_tried_while_none_takes_the_connection(resolver: Resolver) -> None:
    resolver.answers["shop.example"] = [[PUBLIC, "1.1.1.1"]]
    resolver.refuse_connections()
    assert post("http://shop.example/").error == "No connection to the endpoint could be made."
    assert resolver.connected == [PUBLIC, "1.1.1.1"]


def test_a_url_that_can_never_be_called_is_blocked_and_not_tried(resolver: Resolver) -> None:
    resolver.refuse_connections()
    for url in (
        "http://127.0.0.1/",
        "file:///etc/passwd",
        "http://u:p@shop.example/",
        "http://shop.example:22/",
    ):
        assert post(url).status is DeliveryStatus.BLOCKED
    assert resolver.connected == [] and resolver.asked == []


def test_the_environment_cannot_route_calls_through_a_proxy(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:3128")
    resolver.answers["shop.example"] = [[PUBLIC]]
    resolver.refuse_connections()
    post("http://shop.example/")
    assert resolver.connected == [PUBLIC]


def test_a_name_that_does_not_resolve_fails_with_a_sentence(resolver: Resolver) -> None:
    outcome = post("https://nowhere.invalid/")
    assert (outcome.status, outcome.error) == (
        DeliveryStatus.FAILED,
        "The name nowhere.invalid could not be resolved.",
    )


def test_a_resolver_that_hangs_is_given_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: answered.wait(20) and [])
    began = time.monotonic()
    outcome = post("https://shop.example/")
    answered.set()
    assert "within 1 seconds" in (outcome.error or "")
    assert time.monotonic() - began < 5
