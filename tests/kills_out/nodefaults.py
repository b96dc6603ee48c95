"""Two proxies before one node, which fail for a few calls now and then as nodes do that are handed transactions."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from cloudpay_devnet.faultproxy import Fault, FaultProxy
from cloudpay_devnet.faultproxy.faults.answers import ClosedConnections, ServiceUnavailable, TooManyRequests
from cloudpay_devnet.faultproxy.faults.sending import LostAnswers, RefusedTransactions, SwallowedTransactions

_HAND_OVER = ("eth_sendRawTransaction",)
_SENDING_SHARE = 0.7
_SENDING: Sequence[Fault] = (
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

_ANY: Sequence[Fault] = (TooManyRequests(), ServiceUnavailable(), ClosedConnections(), LostAnswers())
"""What one node does to any call: the gateway waits long for two that answer nothing."""


@dataclass
class NodeFaults:
    """What the gateway takes for two nodes."""

    proxies: Sequence[FaultProxy]
    count: int = 0

    @property
    def urls(self) -> list[str]:
        """Where they are."""
        return [each.url for each in self.proxies]

    def strike(self, chance: random.Random) -> None:
        """Have one of them, or both, fail once or a few times."""
        self.count += 1
        if chance.random() < _SENDING_SHARE:
            fault = chance.choice(_SENDING)
            for proxy in chance.choice(([self.proxies[0]], [self.proxies[1]], self.proxies)):
                proxy.switch_on(fault, methods=_HAND_OVER, times=chance.randint(1, 3))
        else:
            chance.choice(self.proxies).switch_on(chance.choice(_ANY), times=1)

    def end(self) -> None:
        """Have them answer truly from now on."""
        for proxy in self.proxies:
            proxy.switch_off()


@contextmanager
def node_faults() -> Iterator[NodeFaults]:
    """Run the proxies; what they stand before is told to them later."""
    with FaultProxy() as first, FaultProxy() as second:
        yield NodeFaults((first, second))
