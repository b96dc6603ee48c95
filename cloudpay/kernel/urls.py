"""Which addresses the gateway may be told to call: rules on the text alone, without asking any name server.

A name can resolve to anything, so whoever connects must also hold every resolved address against `may_call`, and
connect to that address and no other.
"""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from cloudpay.kernel.errors import InvalidRequest

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_URL_LENGTH = 2048
_DEFAULT_PORTS = {"http": 80, "https": 443}
_FIRST_FREE_PORT = 1024
_LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"^(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*$")
_NUMBER = re.compile(
    r"^([0-9]+|0x[0-9a-f]*)$"
)  # a host that ends so is an address, not a name (WHATWG URL, 3.5)
_LOCAL_NAMES = (
    *("localhost", "localdomain", "local", "internal", "intranet", "private"),
    *("lan", "home", "corp", "home.arpa"),  # RFC 6762, appendix G; RFC 8375
)

# Services above port 1023 that act on whatever is sent to them.
_DATABASES = (
    1433,
    1521,
    3306,
    5432,
    5984,
    6379,
    6380,
    8086,
    9042,
    9160,
    9200,
    9300,
    11211,
    26257,
    27017,
    27018,
    28017,
)
_QUEUES = (1883, 4222, 4369, 5672, 6667, 7077, 9092, 15672, 61616)
_CONTROL = (2181, 2375, 2376, 2379, 2380, 5985, 5986, 6443, 7000, 7001, 8300, 8500, 9090, 9100, 10250, 10255)
_NODES = (8332, 8545, 8546, 18332)
_OTHERS = (1723, 2049, 3128, 3389, 5900, 6000, 9418)
SERVICE_PORTS = frozenset(_DATABASES + _QUEUES + _CONTROL + _NODES + _OTHERS)

# `is_global` passes some of these, though each may lead to somebody's inside, or is no merchant's (RFC 3056, 4380,
# 6890, 7343, 7526, 7534, 7535, 9637); 168.63.129.16 is the host's own service on every machine of Azure.
_NEVER = tuple(
    ipaddress.ip_network(each)
    for each in (
        *("192.0.0.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.175.48.0/24"),
        *("168.63.129.16/32", "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
    )
)
_UNICAST_V6 = ipaddress.IPv6Network(
    "2000::/3"
)  # all that IANA hands out; NAT64, ULA, link-local, mapped lie outside
_PRIVATE = tuple(
    ipaddress.ip_network(each)
    for each in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)


@dataclass(frozen=True)
class CallableUrl:
    """A URL that passed the rules, taken apart once, so that nobody parses it a second time and differently."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def address(self) -> IPAddress | None:
        """The host as an address, or None when it is a name."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    @property
    def authority(self) -> str:
        """What the Host header says."""
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return bracketed(self.host) + port

    @property
    def endpoint(self) -> str:
        """Scheme, host and port: what counts as one place that is called."""
        return f"{self.scheme}://{bracketed(self.host)}:{self.port}"


@lru_cache(maxsize=1024)  # a merchant names the same one for each invoice
def check_public_url(url: str, *, allow_private: bool, field: str = "callback_url") -> CallableUrl:
    """Hold a URL against the rules; raises `InvalidRequest` that names `field`.

    `allow_private` (for development) lets loopback and private addresses pass, never link-local ones.
    """
    problem: str | None = None
    try:
        parts = _split(url)
        query = f"?{parts.query}" if parts.query else ""
        target = CallableUrl(parts.scheme, _host(parts), _port(parts), (parts.path or "/") + query)
    except ValueError as error:
        problem = str(error)
    else:
        problem = _local_problem(target, allow_private)
        if problem is None:
            return target
    raise InvalidRequest(f"The {field} cannot be called: {problem}", errors={field: [problem]})


def may_call(address: IPAddress, *, allow_private: bool) -> bool:
    """Say whether an address is on the public internet, or (for development) loopback or private."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address in network for network in _PRIVATE):
        return allow_private
    if isinstance(address, ipaddress.IPv6Address) and address not in _UNICAST_V6:
        return False
    special = address.is_multicast or address.is_reserved or any(address in network for network in _NEVER)
    return address.is_global and not special


def bracketed(host: str) -> str:
    """Write an IPv6 address as URLs do."""
    return f"[{host}]" if ":" in host else host


def _split(url: str) -> SplitResult:
    if len(url) > MAX_URL_LENGTH:
        raise ValueError(f"it is longer than {MAX_URL_LENGTH} characters.")
    if not url.isascii() or any(each <= " " or each in '\\<>"`{|}^\x7f' for each in url):
        raise ValueError(
            "it holds characters that a URL cannot; write them percent-encoded, a host in punycode."
        )
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("it is not a URL.") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError("it must begin with https:// or http://.")
    if "@" in parts.netloc:
        raise ValueError("it holds a user name or password; leave them out.")
    return parts


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    if ":" in host:
        try:
            if "%" in host:
                raise ValueError
            return str(ipaddress.IPv6Address(host))
        except ValueError:
            raise ValueError("its IPv6 address is not one.") from None
    host = host.removesuffix(".")
    if _NUMBER.match(host.rpartition(".")[2]):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise ValueError("its host is a number; write an address as four decimal numbers.") from None
    if not _HOST_NAME.match(host):
        raise ValueError("it has no valid host name.")
    return host


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        raise ValueError("its port is not a number from 1 to 65535.") from None
    if port is None:
        return _DEFAULT_PORTS[parts.scheme]
    if port not in _DEFAULT_PORTS.values() and (port < _FIRST_FREE_PORT or port in SERVICE_PORTS):
        raise ValueError(
            f"port {port} is for other services; use 80, 443, or a free one above 1023, such as 8443."
        )
    return port


def _local_problem(target: CallableUrl, allow_private: bool) -> str | None:
    address = target.address
    if address is not None:
        return (
            None if may_call(address, allow_private=allow_private) else f"{address} is not a public address."
        )
    one_label = "." not in target.host  # the resolver would look for it in the machine's own domain
    local = one_label or any(target.host.endswith(f".{name}") for name in _LOCAL_NAMES)
    return (
        f"{target.host} is a name of a local network, not a public one."
        if local and not allow_private
        else None
    )
