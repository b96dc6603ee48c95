"""Adapters over real nodes, over a proxy that lies, or over nothing but a script."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from cloudpay.chains.types import BlockRef, Transfer
from cloudpay.kernel.settings import convert_settings
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.faultproxy import FaultProxy
from cloudpay_evm.adapter import EvmAdapter
from cloudpay_evm.checksum import checksummed
from cloudpay_evm.settings import EvmSettings

MakeAdapter = Callable[..., EvmAdapter]


class Ours:
    """A `Watch` over a few addresses, which counts how often it is asked."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = frozenset(addresses)
        self.asked = 0

    def __call__(self, addresses: Any) -> frozenset[str]:
        self.asked += 1
        return self.addresses & frozenset(addresses)

    def transfers(self, adapter: EvmAdapter, after: BlockRef, limit: int = 100) -> list[Transfer]:
        """Everything that touches us, from a block to the head."""
        found: list[Transfer] = []
        while (page := adapter.scan(after, limit, self)).headers:
            found += page.transfers
            after = page.headers[-1].ref
        return found


@pytest.fixture
def ours() -> type[Ours]:
    """The class of watches."""
    return Ours


@pytest.fixture
def address() -> Callable[[str], str]:
    """An address for any text."""
    return lambda seed: checksummed(hashlib.sha256(seed.encode()).hexdigest()[:40])


@pytest.fixture
def adapter_of() -> Iterator[MakeAdapter]:
    """Make an adapter: for a `DevChain`, at the addresses given or at its own node, with settings changed."""
    with ExitStack() as stack:

        def make(chain: DevChain, urls: Sequence[str] = (), **changes: Any) -> EvmAdapter:
            table = {
                "chain_id": chain.spec.chain_id,
                "rpc_urls": list(urls) or [chain.node.rpc_url],
                "confirmations": chain.spec.confirmations,
                "native": chain.spec.native_symbol,
                "timeout_seconds": 2.0,
                "assets": {
                    symbol: {"contract": asset.token_address, "decimals": asset.decimals}
                    for symbol, asset in chain.network.assets.items()
                },
            }
            settings = convert_settings({**table, **changes}, EvmSettings, where="test")
            adapter = EvmAdapter(settings, chain.spec.name)
            stack.callback(adapter.close)
            return adapter

        yield make


@pytest.fixture
def proxy(evm_chain: DevChain) -> Iterator[FaultProxy]:
    """A proxy in front of the shared chain."""
    with FaultProxy(evm_chain.node.rpc_url) as proxy:
        yield proxy


@pytest.fixture
def script() -> Iterator[FaultProxy]:
    """A node that is nothing but a script."""
    with FaultProxy() as proxy:
        yield proxy
