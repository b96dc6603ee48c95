"""The chain's side: payers that pay, blocks that come, and reorganisations of one to three blocks."""

import queue
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from cloudpay_devnet.chain import DevChain

_DEEPEST = 3


@dataclass(frozen=True)
class Payment:
    """What a payer is to send; `through_contract` sends native coins as an exchange's withdrawal does."""

    asset: str
    address: str
    units: int
    through_contract: bool = False


@dataclass
class Payers:
    """Drives one node from one thread, so that nothing happens to its chain at the same time."""

    chain: DevChain
    chance: random.Random
    sent: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    count: int = 0
    reorgs: int = 0
    wants_reorgs: Callable[[], bool] = lambda: False
    failure: BaseException | None = None

    def __post_init__(self) -> None:
        self._due: queue.Queue[Payment] = queue.Queue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.calm = False
        self._thread.start()

    def pay(self, payment: Payment) -> None:
        """Have a payment sent with one of the next blocks; it counts as sent from now on."""
        self.sent[payment.asset, payment.address] += payment.units
        self.count += 1
        self._due.put(payment)

    def stop(self) -> None:
        """Mine no more."""
        self._stop.set()
        self._thread.join(30)

    @property
    def idle(self) -> bool:
        """Whether all that was to be sent has been."""
        return self._due.empty()

    def _run(self) -> None:
        try:
            while not self._stop.wait(self.chance.uniform(0.05, 0.2)):
                self._step()
        except BaseException as error:  # noqa: BLE001  # the run reports it
            self.failure = error

    def _step(self) -> None:
        waiting = self._due.qsize()
        for _ in range(waiting):
            self._send(self._due.get())
        self.chain.node.mine(1 if waiting else self.chance.randint(1, 2))
        odds = 0.2 if self.wants_reorgs() else 0.06
        if not self.calm and self.chance.random() < odds:
            self._reorganise(self.chance.randint(1, _DEEPEST))

    def _send(self, payment: Payment) -> None:
        if payment.through_contract:
            self.chain.pay_through_contract(payment.address, payment.units)
        else:
            self.chain.pay(payment.asset, payment.address, payment.units)

    def _reorganise(self, depth: int) -> None:
        """Replace the newest blocks; their transactions come again at once in other blocks, or later."""
        rpc = self.chain.node.rpc
        head = self.chain.node.block_number()
        raw: list[str] = []
        for height in range(head - depth + 1, head + 1):
            block = rpc.record("eth_getBlockByNumber", hex(height), False)
            hashes = block["transactions"] if block else []
            assert isinstance(hashes, list)
            raw += [rpc.text("eth_getRawTransactionByHash", each) for each in hashes]
        self.reorgs += 1
        if self.chance.random() < 0.5:
            places = sorted(self.chance.randrange(depth) for _ in raw)  # in order: they are one account's
            rpc.call("anvil_reorg", depth, [list(pair) for pair in zip(raw, places, strict=True)])
        else:
            rpc.call("anvil_reorg", depth, [])
            for each in raw:
                rpc.call("eth_sendRawTransaction", each)
        rpc.call("evm_setTime", int(time.time()))  # a reorganisation turned the node's clock back
