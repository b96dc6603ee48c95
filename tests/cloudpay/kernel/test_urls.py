"""Which URLs the gateway may be told to call (F90)."""

import ipaddress

import pytest

from cloudpay.kernel.errors import InvalidRequest
from cloudpay.kernel.urls import check_public_url, may_call

NEVER = [
    # not HTTP
    "file:///etc/passwd",
    "ftp://example.com/",
    "gopher://example.com/",
    "javascript:alert(1)",
    "//example.com/hook",
    "example.com/hook",
    "",
    # credentials, and hosts that hide behind them
    "https://user:password@example.com/",
    "https://user@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com:443@169.254.169.254/",
    # what one parser reads differently from another
    "https://example.com\\@127.0.0.1/",
    "https://example.com/\r\nHost: other",
    "https://exa mple.com/",
    "https://example.com\t/",
    "https://１２７.０.０.１/",
    "https://ⓛocalhost/",
    "https://bücher.example/",
    "https://exam%70le.com/",
    "https:///hook",
    "https://-example.com/",
    "https://example..com/",
    "https://[::1/",
    "https://[fe80::1%25eth0]/",
    # numbers that resolvers read as addresses
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://10.1/",
    "http://1.2.3/",
    "http://1.2.3.4.5/",
    "http://256.1.1.1/",
    "http://example.com.0x1/",
    # link-local and special addresses, also in development
    "http://169.254.169.254/latest/meta-data/",
    "http://[fe80::1]/",
    "http://0.0.0.0/",
    "http://[::]/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://100.64.0.1/",
    "http://198.18.0.1/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001::7f00:1]/",
    "http://[::7f00:1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[ff02::1]/",
    "http://192.0.0.8/",
    "http://192.88.99.1/",
    "http://168.63.129.16/",
    # ports of other services
    "http://example.com:22/",
    "http://example.com:25/",
    "http://example.com:6379/",
    "http://example.com:5432/",
    "http://example.com:2375/",
    "http://example.com:0/",
    "http://example.com:65536/",
    "http://example.com:x/",
    "https://example.com/" + "a" * 2048,
]
IN_DEVELOPMENT = [
    "http://127.0.0.1:8000/hook",
    "http://127.8.9.10/",
    "http://127.0.0.1./",
    "http://localhost:9000/",
    "http://shop.localhost/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://[::1]:8000/",
    "http://[fd00::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://printer.local/",
    "http://vault.internal/",
    "http://redis:8080/",
    "http://nas.lan/",
]
ALWAYS = [
    "https://mysite.com/hook",
    "http://mysite.com/hook?a=1&b=%20",
    "HTTPS://MySite.com:8443",
    "https://mysite.com.:443/",
    "https://xn--bcher-kva.example/",
    "https://8.8.8.8/",
    "https://[2606:4700::1111]/",
    "http://mysite.com:8080/",
    "http://mysite.com:31337/",
    "https://a_b.example.com/",
]


@pytest.mark.parametrize("url", NEVER)
@pytest.mark.parametrize("allow_private", [False, True])
def test_a_url_that_leads_nowhere_good_is_refused_in_every_setting(url: str, allow_private: bool) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_public_url(url, allow_private=allow_private, field="callback_url")
    assert caught.value.errors["callback_url"]


@pytest.mark.parametrize("url", IN_DEVELOPMENT)
def test_a_private_target_is_for_development_only(url: str) -> None:
    check_public_url(url, allow_private=True)
    with pytest.raises(InvalidRequest):
        check_public_url(url, allow_private=False)


@pytest.mark.parametrize("url", ALWAYS)
def test_a_public_url_is_accepted(url: str) -> None:
    check_public_url(url, allow_private=False)


def test_one_endpoint_is_scheme_host_and_port_however_it_is_written() -> None:
    written = ["https://Shop.example/a", "https://shop.example:443/b?c", "HTTPS://shop.example./"]
    assert {check_public_url(each, allow_private=False).endpoint for each in written} == {
        "https://shop.example:443"
    }
    other = check_public_url("https://[2606:4700:0:0::1]:8443/x?y=1", allow_private=False)
    assert (other.endpoint, other.authority, other.path) == (
        "https://[2606:4700::1]:8443",
        "[2606:4700::1]:8443",
        "/x?y=1",
    )


@pytest.mark.parametrize(
    "text", ["1.1.1.1", "100.63.255.255", "100.128.0.1", "172.32.0.1", "2606:4700::1", "::ffff:1.1.1.1"]
)
def test_public_addresses_just_outside_the_forbidden_ranges_may_be_called(text: str) -> None:
    assert may_call(ipaddress.ip_address(text), allow_private=False)
