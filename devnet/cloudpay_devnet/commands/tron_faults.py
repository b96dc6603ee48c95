"""`cloudpay devnet fault` on a TRON node, which needs no proxy: it fails by itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from cloudpay_devnet.errors import DevnetError, RpcFailed


class CannotFail(DevnetError):
    """The node does not fail like this."""

    code = "cannot_fail"


def switch(
    url: str,
    name: str | None,
    *,
    off: bool,
    options: Mapping[str, str],
    paths: Sequence[str],
    times: int | None,
) -> list[str]:
    """Turn a fault on for all paths or some, or off; answers what is on, a line for each."""
    from cloudpay_devnet.tron.client import TronClient

    client = TronClient(url)
    try:
        if off:
            client.control("heal", kind=name)
        elif name is not None:
            for path in paths or ("*",):
                client.control("fault", kind=name, path=path, times=times, **options)
        return [_line(each) for each in client.control("faults")["faults"]]
    except RpcFailed as error:
        raise CannotFail(error.rpc_message.removeprefix("ValueError: ")) from error
    finally:
        client.close()


def listing() -> list[str]:
    """The faults that there are, with their options."""
    from cloudpay_devnet.tron.faults import KINDS, OPTIONS

    lines = []
    for name, text in KINDS.items():
        options = ", ".join(OPTIONS.get(name, {}))
        lines += [f"{name}{f' ({options})' if options else ''}", f"    {text}"]
    return lines


def _line(fault: Mapping[str, Any]) -> str:
    told = [f"{key}={value}" for key, value in fault.items() if key not in {"kind", "path", "times"}]
    told += [f"only {fault['path']}"] if fault["path"] != "*" else []
    told += [f"{fault['times']} more"] if fault["times"] is not None else []
    return f"{fault['kind']:<24} {', '.join(told)}".rstrip()
