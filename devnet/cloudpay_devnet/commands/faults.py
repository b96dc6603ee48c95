"""`cloudpay devnet proxy`, `fault` and `faults`: breaking a node by hand."""

import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import requests

from cloudpay_devnet.commands.demo_file import DEFAULT_DIR, read_demo
from cloudpay_devnet.commands.tron_faults import listing, switch
from cloudpay_devnet.errors import DevnetError
from cloudpay_devnet.networks import Kind

_SECONDS = 10


class NoProxy(DevnetError):
    """Nothing that can be switched listens there."""

    code = "no_fault_proxy"


@click.command()
@click.argument("upstream")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=18545, show_default=True, help="0 takes a free one."
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME[:OPTION=VALUE,…]",
    help="On from the start; may be repeated.",
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    default=DEFAULT_DIR,
    show_default=True,
    help="The demo's folder, where UPSTREAM is one of its networks.",
)
def proxy(upstream: str, port: int, faults: tuple[str, ...], data_dir: Path) -> None:
    """Stand in front of the node at UPSTREAM and fail as the nodes of the world do, until Ctrl-C.

    UPSTREAM is an address, or the name of a network of the running demo.

    \b
    Examples:
      cloudpay devnet proxy evm
      cloudpay devnet proxy http://127.0.0.1:8545 --port 18545 --fault range_limit:blocks=100,provider=alchemy
      cloudpay devnet proxy http://127.0.0.1:8545 --fault latency:seconds=2 --fault stale_head
    """
    from cloudpay_devnet.faultproxy import FaultProxy
    from cloudpay_devnet.faultproxy.catalogue import make_fault
    from cloudpay_devnet.faultproxy.control import PATH

    node = upstream if "://" in upstream else _node_of_demo(upstream, data_dir)
    made = [make_fault(*_split(each)) for each in faults]
    try:
        opened = FaultProxy(node, port=port)
    except OSError as error:
        raise DevnetError(
            f"Port {port} cannot be listened on: {error.strerror}. Choose another --port."
        ) from error
    with opened as running:
        for fault in made:
            running.switch_on(fault)
        click.echo(f"Listening on {running.url}, in front of {node}")
        click.echo(f"Switch faults with `cloudpay devnet fault {running.url} …`, or POST {running.url}{PATH}")
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        signal.signal(signal.SIGINT, lambda *_: stop.set())
        stop.wait()


@click.command()
@click.argument("where", metavar="PROXY")
@click.argument("name", required=False)
@click.option("--off", is_flag=True, help="Turn it off; without a name everything.")
@click.option("--option", "-o", "options", multiple=True, metavar="KEY=VALUE", help="An option of the fault.")
@click.option(
    "--method",
    "-m",
    "methods",
    multiple=True,
    help="Only for this JSON-RPC method (TRON: path); may be repeated.",
)
@click.option(
    "--times", type=click.IntRange(min=1), help="Only for so many calls; else until it is turned off."
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    default=DEFAULT_DIR,
    show_default=True,
    help="The demo's folder.",
)
def fault(
    where: str,
    name: str | None,
    off: bool,
    options: tuple[str, ...],
    methods: tuple[str, ...],
    times: int | None,
    data_dir: Path,
) -> None:
    """Turn a fault of a running proxy on or off; without a name show what is on.

    PROXY is an address, or a network of a demo that was started with --faults: `evm` is the first proxy before its
    node, `evm/2` the second. `tron` is the demo's TRON node itself, which needs no --faults; its methods are paths.

    \b
    Examples:
      cloudpay devnet fault evm stale_head -o blocks=20
      cloudpay devnet fault evm/2 http_429 -o retry_after=30 --times 5
      cloudpay devnet fault http://127.0.0.1:18545 empty_logs -m eth_getLogs
      cloudpay devnet fault evm stale_head --off
      cloudpay devnet fault evm
      cloudpay devnet fault evm --off
      cloudpay devnet fault tron status -o status=429 -m "/wallet/*" --times 5
    """
    node = None if "://" in where else _tron_node_of_demo(where, data_dir)
    if node is not None:
        for line in switch(node, name, off=off, options=_options(options), paths=methods, times=times):
            click.echo(line)
        return
    proxy_url = where if "://" in where else _proxy_of_demo(where, data_dir)
    change: dict[str, Any] | None = None
    if off:
        change = {"off": name or "all"}
    elif name is not None:
        change = {"on": name, "options": _options(options), "methods": methods, "times": times}
    for each in _ask(proxy_url, change)["on"]:
        limits = [f"only {', '.join(each['methods'])}"] if each["methods"] else []
        limits += [f"{each['left']} more"] if each["left"] is not None else []
        told = ", ".join([f"{key}={value}" for key, value in each["options"].items()] + limits)
        click.echo(f"{each['fault']:<24} {each['hits']:>6} times  {told}")


@click.command()
def faults() -> None:
    """List the faults that there are, with their options.

    \b
    Example:
      cloudpay devnet faults
    """
    from cloudpay_devnet.faultproxy.catalogue import FAULTS, option_defaults

    for name, kind in FAULTS.items():
        options = ", ".join(f"{key}={value}" for key, value in option_defaults(kind).items())
        click.echo(f"{name}{f' ({options})' if options else ''}")
        click.echo(f"    {(kind.__doc__ or '').strip().splitlines()[0]}")
    click.echo("\nOf a TRON node:\n")
    for line in listing():
        click.echo(line)


def _node_of_demo(network: str, data_dir: Path) -> str:
    networks = read_demo(data_dir)["networks"]
    if network not in networks:
        raise DevnetError(f"The demo has no network {network!r}; it has {', '.join(networks)}.")
    if networks[network]["family"] != Kind.EVM:
        raise NoProxy(
            f"The node of {network} speaks no JSON-RPC, so that no proxy stands before it. It fails by itself: "
            f"`cloudpay devnet fault {network} …`."
        )
    return str(networks[network]["rpc_url"])


def _tron_node_of_demo(network: str, data_dir: Path) -> str | None:
    found = read_demo(data_dir)["networks"].get(network, {})
    return str(found["rpc_url"]) if found.get("family") == Kind.TRON else None


def _proxy_of_demo(where: str, data_dir: Path) -> str:
    network, _, number = where.partition("/")
    proxies: list[str] = read_demo(data_dir)["networks"].get(network, {}).get("fault_proxies", [])
    if not proxies:
        raise NoProxy(
            f"The demo has no fault proxy before {network!r}. Start it with `cloudpay demo --faults`."
        )
    if (not number.isdecimal() and number) or not 1 <= int(number or 1) <= len(proxies):
        raise NoProxy(f"There are {len(proxies)} proxies before {network}, as {network}/1; not {where!r}.")
    return proxies[int(number or 1) - 1]


def _split(text: str) -> tuple[str, Mapping[str, str]]:
    name, _, rest = text.partition(":")
    return name, _options(rest.split(",") if rest else ())


def _options(texts: "tuple[str, ...] | list[str]") -> Mapping[str, str]:
    pairs = [each.partition("=") for each in texts]
    for key, equals, _ in pairs:
        if not equals:
            raise DevnetError(f"{key!r} is no option; write it as name=value.")
    return {key: value for key, _, value in pairs}


def _ask(proxy_url: str, change: Mapping[str, Any] | None) -> dict[str, Any]:
    from cloudpay_devnet.faultproxy.control import PATH

    address = f"{proxy_url.rstrip('/')}{PATH}"
    try:
        answer = (
            requests.get(address, timeout=_SECONDS)
            if change is None
            else requests.post(address, json=change, timeout=_SECONDS)
        )
        content: dict[str, Any] = answer.json()
    except requests.RequestException as error:
        raise NoProxy(
            f"No fault proxy answers at {proxy_url}. Start one with `cloudpay devnet proxy`."
        ) from error
    if answer.status_code != requests.codes.ok or "on" not in content:
        raise NoProxy(str(content.get("error", f"{proxy_url} is no fault proxy.")))
    return content
