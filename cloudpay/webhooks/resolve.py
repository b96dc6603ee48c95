"""Where a URL leads: every address that its name has, each of them checked, within a bounded time."""

import ipaddress
import queue
import socket
import threading
from typing import ClassVar

from cloudpay.kernel.errors import CloudPayError
from cloudpay.kernel.urls import CallableUrl, may_call
from cloudpay.webhooks.deadline import Deadline

_MOST_ADDRESSES = 4


class UnresolvedTarget(CloudPayError):
    """The endpoint's name leads nowhere, or to an address that may not be called."""

    code: ClassVar[str] = "unresolved_webhook_target"


def addresses(target: CallableUrl, deadline: Deadline, *, allow_private: bool) -> tuple[str, ...]:
    """Answer the addresses to try, in the resolver's order; raises `UnresolvedTarget`.

    One forbidden address among them refuses all: a name that mixes public and private ones is an attack or a mistake.
    """
    found = [str(target.address)] if target.address else _look_up(target.host, target.port, deadline)
    for text in found:
        if not may_call(ipaddress.ip_address(text), allow_private=allow_private):
            raise UnresolvedTarget(f"{target.host} leads to {text}, which is not a public address.")
    return tuple(dict.fromkeys(found))[:_MOST_ADDRESSES]


def _look_up(host: str, port: int, deadline: Deadline) -> list[str]:
    """Ask the system's resolver in a thread of its own: nothing can interrupt it, and it may take half a minute."""
    answers: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put([str(info[4][0]).partition("%")[0] for info in infos])
        except (OSError, UnicodeError) as error:
            answers.put(error if isinstance(error, OSError) else OSError(str(error)))

    threading.Thread(target=ask, name=f"resolve {host}", daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.remaining())
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, OSError) or not answer:
        raise UnresolvedTarget(f"The name {host} could not be resolved.")
    return answer
