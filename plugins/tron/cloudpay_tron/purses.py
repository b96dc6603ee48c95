"""What each source has while a batch is drafted: its money, and what it may use for nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from cloudpay.chains.spending import Spend
from cloudpay_tron import calls, trc20
from cloudpay_tron.node import Node
from cloudpay_tron.wire import Resources

_FREE_BANDWIDTH = 600
"""What an account has for a day once it is activated (chain parameter getFreeNetLimit): of one that is not there yet,
the account that a top-up makes."""


@dataclass
class Purse:
    """One source. `left` is by contract, None TRX; `energy` is staked or lent, `bandwidth` lists each purse of it."""

    left: dict[str | None, int]
    energy: int
    bandwidth: list[int]

    def bytes_to_pay(self, size: int) -> int:
        """Answer how many bytes of a transaction must be paid for: all or none, from one kind of bandwidth."""
        return 0 if any(each >= size for each in self.bandwidth) else size

    def use(self, size: int, energy: int) -> None:
        """Take out what a transaction uses for nothing."""
        self.energy = max(0, self.energy - energy)
        for place, each in enumerate(self.bandwidth):
            if each >= size:
                self.bandwidth[place] -= size
                return


def purses(node: Node, spends: Sequence[Spend]) -> dict[str, Purse]:
    """Ask for money and resources: two calls for each source, one for each token that it sends."""
    found: dict[str, Purse] = {}
    for source in dict.fromkeys(each.source for each in spends):
        account = node.ask(calls.account(source))
        told = node.ask(calls.resources(source)) if account.address else Resources(0)
        free = told.free_net_limit - told.free_net_used if account.address else _FREE_BANDWIDTH
        staked = told.net_limit - told.net_used
        purse = Purse({None: account.balance}, max(0, told.energy_limit - told.energy_used), [staked, free])
        for contract in dict.fromkeys(each.contract for each in spends if each.source == source):
            if contract is not None:
                purse.left[contract] = trc20.balance(node, contract, source) or 0
        found[source] = purse
    return found
