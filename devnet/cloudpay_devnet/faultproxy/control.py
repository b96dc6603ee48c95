"""`/__faults__`: what is on, and switching from outside while the proxy runs."""

import json
from typing import TYPE_CHECKING, Any

from cloudpay_devnet.errors import DevnetError
from cloudpay_devnet.faultproxy.catalogue import FAULTS, make_fault
from cloudpay_devnet.faultproxy.values import Raw

if TYPE_CHECKING:
    from cloudpay_devnet.faultproxy.proxy import FaultProxy

PATH = "/__faults__"
_JSON = {"Content-Type": "application/json"}
_KEYS = {"on", "off", "options", "methods", "times"}


def show(proxy: "FaultProxy", path: str) -> Raw:
    """Answer what is on, and what there is."""
    if path != PATH:
        return _say(404, error=f"Only {PATH} is read; JSON-RPC comes as POST.")
    return _state(proxy)


def change(proxy: "FaultProxy", body: bytes, content_type: str) -> Raw:
    """Switch a fault on (`{"on": NAME, "options": {…}, "methods": […], "times": N}`) or off (`{"off": NAME}`, `"all"`).

    Only as application/json: a page in a browser cannot send that to another site unasked.
    """
    if content_type != "application/json":
        return _say(415, error="Send it as application/json.")
    try:
        asked = json.loads(body)
        _switch(proxy, asked)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return _say(400, error=f"This is no switch: {error}. See GET {PATH}.")
    except DevnetError as error:
        return _say(400, error=error.message)
    return _state(proxy)


def _switch(proxy: "FaultProxy", asked: dict[str, Any]) -> None:
    if strange := set(asked) - _KEYS:
        raise ValueError(f"unknown key {min(strange)}")
    if ("on" in asked) == ("off" in asked):
        raise ValueError("say either on or off")
    if "off" in asked:
        proxy.switch_off(None if asked["off"] == "all" else str(asked["off"]))
        return
    times = None if asked.get("times") is None else int(asked["times"])
    proxy.switch_on(
        make_fault(asked["on"], asked.get("options", {})), methods=asked.get("methods", ()), times=times
    )


def _state(proxy: "FaultProxy") -> Raw:
    known = {name: (kind.__doc__ or "").splitlines()[0] for name, kind in FAULTS.items()}
    return _say(200, on=[switch.shown() for switch in proxy.switches], known=known)


def _say(status: int, **content: Any) -> Raw:
    return Raw(status, json.dumps(content, indent=2).encode(), _JSON)
