"""The chain families on which money goes out under kills: what each stands on, fails by, and passes by."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from cloudpay.kernel.failpoints import Failpoint
from tests.kills.evm_ground import EvmGround
from tests.kills.ground import Ground
from tests.kills.tron_ground import TronGround
from tests.kills_out.nodefaults import NodeFaults, evm_faults, tron_faults
from tests.kills_out.roles import PLACES


@dataclass(frozen=True, eq=False)
class Family:
    """One family; `sending` are settings of its network by which what is sent moves on within a run."""

    name: str
    native: str
    ground: type[Ground]
    faults: Callable[[], AbstractContextManager[NodeFaults]]
    sending: Mapping[str, Any]

    @property
    def places(self) -> Mapping[str, Sequence[Failpoint]]:
        """By process, the failpoints that it comes by on such a chain."""
        never = self.ground.never_passed
        return {role: [each for each in places if each not in never] for role, places in PLACES.items()}


EVM = Family("evm", "ETH", EvmGround, evm_faults, {"bump_after_seconds": 5, "in_flight": 32})
TRON = Family("tron", "TRX", TronGround, tron_faults, {"max_in_flight": 32})

FAMILIES: Mapping[str, Family] = {each.name: each for each in (EVM, TRON)}
