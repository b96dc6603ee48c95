"""Which of a network's nodes its API key is for: a provider's key is nobody else's to see."""

import ipaddress
from urllib.parse import urlsplit

from cloudpay.chains.errors import UnusableTable
from cloudpay_tron.settings import TronSettings

_PROVIDER = "trongrid.io"
"""Whose key `api_key` is where the nodes are of several hosts: the header is of theirs."""


def key_for(settings: TronSettings, url: str) -> tuple[str, str] | None:
    """Answer header and key that go along to a node; None where there is no key, or it is another host's."""
    if not settings.api_key or not _is_meant(settings, _host(url)):
        return None
    return settings.api_key_header, settings.api_key


def require_safe_key(settings: TronSettings, network: str) -> None:
    """Raise `UnusableTable` where the key would go out in the clear, or to nobody."""
    meant = [url for url in settings.rpc_urls if key_for(settings, url)]
    if settings.api_key and settings.rpc_urls and not meant:
        what = (
            f"api_key is for no node: where rpc_urls names several hosts, it is sent to those of {_PROVIDER} alone; "
            "name one host, or write the key into the addresses"
        )
        raise UnusableTable(network, what)
    for url in meant:
        if urlsplit(url).scheme != "https" and not _is_loopback(_host(url)):
            what = f"api_key would go to {_host(url)} for everybody to read: write https:// in rpc_urls"
            raise UnusableTable(network, what)


def _is_meant(settings: TronSettings, host: str) -> bool:
    if len({_host(url) for url in settings.rpc_urls}) == 1:
        return True
    return host == _PROVIDER or host.endswith(f".{_PROVIDER}")


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
