"""What lies at many addresses at one block: asked for in chunks, at a pace that leaves the nodes to others."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.types import BlockRef, Holding
from cloudpay.kernel.db import refuse_inside_transaction

CHUNK = 1_500
"""Holdings asked for at once: as many native balances as a node answers in one call, where it can."""

Told = Callable[[int, int], None]
"""Called after each chunk with how many holdings it had, and how many there are in all."""


def lying_at(
    gateway: Gateway, network: str, holdings: Sequence[Holding], at: BlockRef, told: Told
) -> Mapping[Holding, int]:
    """Answer all these balances at a block, in base units; raises what the adapter's `balances` raises."""
    refuse_inside_transaction("lying_at")
    adapter = gateway.chains.adapter(network)
    wanted, found = iter(holdings), dict[Holding, int]()
    while chunk := list(islice(wanted, CHUNK)):
        found |= adapter.balances(chunk, at)
        told(len(chunk), len(holdings))
    return found
