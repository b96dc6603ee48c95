"""`/control/…`: what a test asks of the chain that no client may ask of a real one."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from cloudpay_devnet.tron.addresses import from_text
from cloudpay_devnet.tron.chain import Chain
from cloudpay_devnet.tron.faults import Fault, Faults
from cloudpay_devnet.tron.mining import Miner
from cloudpay_devnet.tron.world import World

_MOST_BLOCKS = 1_000


class Control:
    """The commands, each given the request's JSON."""

    def __init__(self, chain: Chain, miner: Miner, faults: Faults) -> None:
        self.chain, self.miner, self.faults = chain, miner, faults
        self.commands: Mapping[str, Callable[[dict[str, Any]], Any]] = {
            "mine": self.mine,
            "mining": self.mining,
            "fork": self.fork,
            "lose": self.lose,
            "time": self.time,
            "fund": self.fund,
            "parameters": self.parameters,
            "fault": self.fault,
            "faults": self.shown_faults,
            "heal": self.heal,
            "reset": self.reset,
        }

    def mine(self, given: dict[str, Any]) -> Any:
        """Make `blocks` (1) blocks; with `empty` of nothing."""
        for _ in range(min(int(given.get("blocks", 1)), _MOST_BLOCKS)):
            self.chain.produce(empty=bool(given.get("empty", False)))
        return self._head()

    def mining(self, given: dict[str, Any]) -> Any:
        """Make a block every `seconds`; 0 for each transaction, null on demand alone."""
        seconds = given.get("seconds")
        self.miner.set(None if seconds is None else float(seconds))
        return self._head()

    def fork(self, given: dict[str, Any]) -> Any:
        """Replace the last `depth` blocks; what was in them waits again, or with `lose` is lost."""
        after = given.get("blocks")
        dropped = self.chain.fork(
            int(given.get("depth", 1)),
            lose=bool(given.get("lose", False)),
            blocks_after=None if after is None else int(after),
        )
        return self._head() | {"dropped": [each.hex() for each in dropped]}

    def lose(self, given: dict[str, Any]) -> Any:
        """Forget the waiting transaction `txid`."""
        return {"known": self.chain.lose(bytes.fromhex(given["txid"]))}

    def time(self, given: dict[str, Any]) -> Any:
        """Move the chain's clock by `seconds` and make a block, with `empty` of nothing."""
        self.chain.pass_time(float(given["seconds"]))
        self.chain.produce(empty=bool(given.get("empty", False)))
        return self._head()

    def fund(self, given: dict[str, Any]) -> Any:
        """Give `address` more `sun`, out of nothing."""
        self.chain.amend(partial(_fund, address=from_text(given["address"]), sun=int(given["sun"])))
        return self._head()

    def parameters(self, given: dict[str, Any]) -> Any:
        """Change parameters of the chain."""
        known = self.chain.world.parameters.__struct_fields__
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise ValueError(f"There is no parameter {unknown[0]!r}; there are {', '.join(known)}")
        self.chain.amend(partial(_set_parameters, values=given))
        return self._head()

    def fault(self, given: dict[str, Any]) -> Any:
        """Switch a fault on: `kind`, and `path`, `times` and its values."""
        values = {key: value for key, value in given.items() if key not in {"kind", "path", "times"}}
        self.faults.switch_on(Fault(given["kind"], str(given.get("path", "*")), given.get("times"), values))
        return {"faults": self.faults.shown()}

    def shown_faults(self, given: dict[str, Any]) -> Any:
        """The faults that are on."""
        return {"faults": self.faults.shown()}

    def heal(self, given: dict[str, Any]) -> Any:
        """Switch all faults off, or those of one `kind`."""
        self.faults.clear(given.get("kind"))
        return {"faults": self.faults.shown()}

    def reset(self, given: dict[str, Any]) -> Any:
        """Begin a new chain, with the pace as in `mining` and without faults."""
        self.faults.clear()
        self.chain.reset()
        return self.mining(given)

    def _head(self) -> dict[str, Any]:
        head = self.chain.head
        return {
            "number": head.number,
            "id": head.id.hex(),
            "timestamp": head.timestamp,
            "solid": self.chain.solid,
        }


def _fund(world: World, address: bytes, sun: int) -> None:
    world.activate(address, 0)
    world.pay(address, sun)


def _set_parameters(world: World, values: dict[str, int]) -> None:
    world.parameters = msgspec.structs.replace(world.parameters, **values)
