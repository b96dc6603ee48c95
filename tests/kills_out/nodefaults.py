"""Two proxies before one node, which fail for a few calls now and then as nodes do that are handed transactions."""

import random
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from cloudpay_devnet.faultproxy import Fault, FaultProxy
from cloudpay_devnet.faultproxy.faults.answers import ClosedConnections, ServiceUnavailable, TooManyRequests
from cloudpay_devnet.faultproxy.faults.sending import LostAnswers, RefusedTransactions, SwallowedTransactions
from tests.kills_out import tronproxy
from tests.kills_out.tronproxy import TronProxy

_SENDING_SHARE = 0.7
_EVM_SENDING: Sequence[Fault] = (
    LostAnswers(),
    LostAnswers(),
    SwallowedTransactions(),
    RefusedTransactions("already known"),
    RefusedTransactions("already known", taken=True),
    RefusedTransactions("nonce too low"),
    RefusedTransactions("nonce too low", taken=True),
    RefusedTransactions("txpool is full"),
    RefusedTransactions("replacement transaction underpriced", taken=True),
)
"""What one node or both do to transactions."""

_EVM_ANY: Sequence[Fault] = (TooManyRequests(), ServiceUnavailable(), ClosedConnections(), LostAnswers())
"""What one node does to any call: the gateway waits long for two that answer nothing."""

_TRON_SENDING: Sequence[tronproxy.Fault] = (
    tronproxy.lost_answer,
    tronproxy.lost_answer,
    tronproxy.swallowed,
    tronproxy.refused("DUP_TRANSACTION_ERROR"),
    tronproxy.refused("DUP_TRANSACTION_ERROR", taken=True),
    tronproxy.refused("SERVER_BUSY"),
    tronproxy.refused("SERVER_BUSY", taken=True),
    tronproxy.refused("TRANSACTION_EXPIRATION_ERROR"),
    tronproxy.refused("TRANSACTION_EXPIRATION_ERROR", taken=True),
    tronproxy.refused("TAPOS_ERROR"),
)
_TRON_ANY: Sequence[tronproxy.Fault] = (
    tronproxy.told(429, "Too Many Requests"),
    tronproxy.told(503, "Service Unavailable"),
    tronproxy.closed,
    tronproxy.lost_answer,
    tronproxy.told(200, "<html><body>502 Bad Gateway</body></html>"),
)


class Proxy(Protocol):
    """What stands before a node."""

    upstream: str

    @property
    def url(self) -> str:
        """Where it listens."""

    def switch_on(self, fault: Any, *, methods: Collection[str] = (), times: int | None = None) -> object:
        """Have a fault for some methods or all, for so many calls."""

    def switch_off(self) -> None:
        """Answer truly."""


@dataclass
class NodeFaults:
    """What the gateway takes for two nodes; what they do to transactions, by what method, and to any call."""

    proxies: Sequence[Proxy]
    sending: Sequence[object]
    hand_over: str
    any_call: Sequence[object]
    count: int = 0

    @property
    def urls(self) -> list[str]:
        """Where they are."""
        return [each.url for each in self.proxies]

    def strike(self, chance: random.Random) -> None:
        """Have one of them, or both, fail once or a few times."""
        self.count += 1
        if chance.random() < _SENDING_SHARE:
            fault = chance.choice(self.sending)
            for proxy in chance.choice(([self.proxies[0]], [self.proxies[1]], self.proxies)):
                proxy.switch_on(fault, methods=(self.hand_over,), times=chance.randint(1, 3))
        else:
            chance.choice(self.proxies).switch_on(chance.choice(self.any_call), times=1)

    def end(self) -> None:
        """Have them answer truly from now on."""
        for proxy in self.proxies:
            proxy.switch_off()


@contextmanager
def evm_faults() -> Iterator[NodeFaults]:
    """Run the proxies; what they stand before is told to them later."""
    with FaultProxy() as first, FaultProxy() as second:
        yield NodeFaults((first, second), _EVM_SENDING, "eth_sendRawTransaction", _EVM_ANY)


@contextmanager
def tron_faults() -> Iterator[NodeFaults]:
    """Run those that speak TRON's HTTP."""
    with TronProxy() as first, TronProxy() as second:
        yield NodeFaults((first, second), _TRON_SENDING, tronproxy.HAND_OVER, _TRON_ANY)
