"""The chain's side: blocks that come, and reorganisations of one to three of them."""

import random
import threading
import time
from collections.abc import Callable

from cloudpay_devnet.chain import DevChain

DEEPEST = 3
"""Blocks that a reorganisation replaces at most."""


class Miner:
    """Drives one node from one thread, so that nothing happens to its chain at the same time."""

    pause = (0.05, 0.2)
    """Seconds between two rounds, at least and at most."""

    def __init__(
        self, chain: DevChain, chance: random.Random, wants_reorgs: Callable[[], bool] = lambda: False
    ) -> None:
        self.chain, self.chance, self.wants_reorgs = chain, chance, wants_reorgs
        self.reorgs = 0
        self.calm = False
        self.failure: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Mine no more."""
        self._stop.set()
        self._thread.join(30)

    def send_due(self) -> bool:
        """Hand out what is to be in the next block; say whether there was anything."""
        return False

    def mine(self) -> None:
        """Mine one block, or now and then two."""
        self.chain.node.mine(1 if self.send_due() else self.chance.randint(1, 2))

    def may_reorganise(self) -> bool:
        """Say whether the newest blocks may be replaced now."""
        return True

    def _run(self) -> None:
        try:
            while not self._stop.wait(self.chance.uniform(*self.pause)):
                self.mine()
                odds = 0.2 if self.wants_reorgs() else 0.06
                if not self.calm and self.chance.random() < odds and self.may_reorganise():
                    self._reorganise(self.chance.randint(1, DEEPEST))
        except BaseException as error:  # noqa: BLE001  # the run reports it
            self.failure = error

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
            self.send_again(raw)
        rpc.call("evm_setTime", int(time.time()))  # a reorganisation turned the node's clock back

    def send_again(self, raw: list[str]) -> None:
        """Hand out what a reorganisation has dropped."""
        for each in raw:
            self.chain.node.rpc.call("eth_sendRawTransaction", each)
