"""Several development networks at once."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.networks import NETWORKS, DevNetwork, network_spec


class Devnet:
    """Running development networks by name; they are started, and stopped, side by side."""

    def __init__(self, chains: Mapping[str, DevChain]) -> None:
        self.chains = chains

    @classmethod
    def start(
        cls,
        networks: Sequence[str] = tuple(NETWORKS),
        *,
        block_time: float | None = 1.0,
        data_dir: Path | None = None,
    ) -> Self:
        """Start the named networks; with a `data_dir` their chains go on where they stopped.

        Raises UnknownDevNetwork before anything is started; when one network fails, the others are stopped.
        """
        specs = [network_spec(name) for name in dict.fromkeys(networks)]
        with ThreadPoolExecutor(max_workers=max(len(specs), 1)) as pool:
            starts = {
                spec.name: pool.submit(
                    DevChain.start,
                    spec,
                    block_time=block_time,
                    state_path=None if data_dir is None else data_dir / f"{spec.name}.anvil.json",
                )
                for spec in specs
            }
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
            list(pool.map(DevChain.stop, self.chains.values()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
