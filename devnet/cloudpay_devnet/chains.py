"""The chains that devnet can start, by name, and what they have in common."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from cloudpay_devnet.networks import NETWORKS, DevNetwork, NetworkSpec


class LocalNode(Protocol):
    """A node of any kind, as who tends it sees it."""

    @property
    def pid(self) -> int:
        """The process id."""

    @property
    def alive(self) -> bool:
        """True while the process runs."""

    def mine(self, blocks: int = 1) -> int:
        """Make so many blocks now, with what waits; answers the head's number."""

    def restart(self) -> None:
        """Stop the node and start it again on the same port."""


class LocalChain(Protocol):
    """A running chain of any kind. Amounts are integers of base units, addresses as the chain's people write them."""

    @property
    def node(self) -> LocalNode:
        """Its process."""

    @property
    def network(self) -> DevNetwork:
        """The running network as data."""

    def pay(self, asset: str, to: str, units: int) -> str:
        """Pay from the payer's account, as a customer does; answers the transaction hash."""

    def fund(self, address: str, asset: str, units: int) -> str:
        """Give money to an account by an ordinary transfer from the faucet; answers the transaction hash."""

    def balance(self, asset: str, address: str) -> int:
        """What an address holds in the newest block."""

    def stop(self) -> None:
        """Stop the node."""


StartChain = Callable[[float | None, Path | None], LocalChain]
"""Starts a chain with seconds between blocks (None: one for each transaction), kept in a folder if one is given."""


def _anvil(spec: NetworkSpec, block_time: float | None, data_dir: Path | None) -> LocalChain:
    from cloudpay_devnet.chain import DevChain

    kept = None if data_dir is None else data_dir / f"{spec.name}.anvil.json"
    return DevChain.start(spec, block_time=block_time, state_path=kept)


def _tron(block_time: float | None, data_dir: Path | None) -> LocalChain:
    from cloudpay_devnet.tron.network import TronChain

    return TronChain.start(block_time=block_time, data_dir=data_dir)


CHAINS: Mapping[str, StartChain] = {
    **{name: partial(_anvil, spec) for name, spec in NETWORKS.items()},
    "tron": _tron,
}
