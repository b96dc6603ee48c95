"""Several development networks at once."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from cloudpay_devnet.chains import CHAINS, LocalChain
from cloudpay_devnet.errors import UnknownDevNetwork
from cloudpay_devnet.networks import DevNetwork
from cloudpay_devnet.stopping import Stopping


class Devnet(Stopping):
    """Running development networks by name; they are started, and stopped, side by side."""

    def __init__(self, chains: Mapping[str, LocalChain]) -> None:
        self.chains = chains

    @classmethod
    def start(
        cls,
        networks: Sequence[str] = tuple(CHAINS),
        *,
        block_time: float | None = 1.0,
        data_dir: Path | None = None,
    ) -> Self:
        """Start the named networks; with a `data_dir` their chains go on where they stopped.

        Raises UnknownDevNetwork before anything is started; when one network fails, the others are stopped.
        """
        names = list(dict.fromkeys(networks))
        for name in names:
            if name not in CHAINS:
                raise UnknownDevNetwork(name, list(CHAINS))
        with ThreadPoolExecutor(max_workers=max(len(names), 1)) as pool:
            starts = {name: pool.submit(CHAINS[name], block_time, data_dir) for name in names}
        failures = [error for start in starts.values() if (error := start.exception()) is not None]
        if failures:
            for start in starts.values():
                if start.exception() is None:
                    start.result().stop()
            raise failures[0]
        return cls({name: start.result() for name, start in starts.items()})

    @property
    def networks(self) -> Mapping[str, DevNetwork]:
        """The running networks as data."""
        return {name: chain.network for name, chain in self.chains.items()}

    def stop(self) -> None:
        """Stop every node; chains with a data directory are saved."""
        with ThreadPoolExecutor(max_workers=max(len(self.chains), 1)) as pool:
            list(pool.map(lambda chain: chain.stop(), self.chains.values()))
