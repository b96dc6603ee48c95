"""Adapters over real nodes, over a proxy that lies, or over nothing but a script."""

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from cloudpay.chains.spending import (
    Broadcast,
    Draft,
    FeeTier,
    KeyPath,
    Prepared,
    Signed,
    Spend,
    SpendContext,
)
from cloudpay.chains.types import BlockRef, Transfer, TxStatus
from cloudpay.kernel.settings import convert_settings
from cloudpay.testing import SeedSigner
from cloudpay.testing.signing import WORDS
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.faultproxy import FaultProxy
from cloudpay_evm.adapter import EvmAdapter
from cloudpay_evm.addresses import EvmAddresses
from cloudpay_evm.checksum import checksummed
from cloudpay_evm.settings import EvmSettings

MakeAdapter = Callable[..., EvmAdapter]
EVM_COIN = 60
_INDEXES = itertools.count(1_000)


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


class Wallet:
    """Keys below the development words, and what an engine does with an adapter: prepare, sign, broadcast."""

    signer = SeedSigner(WORDS, EVM_COIN)

    def __init__(self, chain: DevChain, adapter: EvmAdapter) -> None:
        self.chain, self.adapter = chain, adapter
        self.keys: dict[str, KeyPath] = {}
        self.taken: set[str] = set()
        self.station = self.source(native=0)

    def source(self, native: int = 10**18, tokens: int = 0) -> str:
        """A new address of ours with money on it."""
        path = KeyPath(0, 1, next(_INDEXES))
        account = self.signer.account_public_key(0)
        address = EvmAddresses("evm", 1).derive(account, path.chain, path.index)
        self.keys[address] = path
        self.chain.node.set_balance(address, native)
        if tokens:
            self.chain.fund(address, "USDT", tokens)
        return address

    def context(self, tier: FeeTier = FeeTier.MEDIUM, **changes: Any) -> SpendContext:
        known = {"fee_cap": 10**18, "gas_station": self.station, "taken": frozenset(self.taken)}
        return SpendContext(**{"tier": tier, "keys": self.keys, **known, **changes})

    def prepare(self, *spends: Spend, **changes: Any) -> Prepared:
        return self.adapter.prepare(spends, self.context(**changes))

    def draft(self, spend: Spend, **changes: Any) -> Draft:
        """Draft one, and take its claims."""
        [draft] = self.prepare(spend, **changes).drafts
        self.taken |= draft.claims
        return draft

    def sign(self, draft: Draft) -> Signed:
        return self.adapter.sign(draft, self.signer)

    def send(self, spend: Spend, **changes: Any) -> Signed:
        """Draft, sign and broadcast one, which a node takes in."""
        signed = self.sign(self.draft(spend, **changes))
        [answer] = self.adapter.broadcast([signed])
        assert answer.outcome is Broadcast.ACCEPTED, answer
        return signed

    def state(self, signed: Signed) -> TxStatus:
        """What became of one."""
        return self.adapter.statuses([signed.tx_id]).by_id[signed.tx_id]


@pytest.fixture
def wallet_of(adapter_of: MakeAdapter) -> Callable[..., Wallet]:
    """Open a wallet on a `DevChain`; what is given beside it goes to the adapter."""
    return lambda chain, urls=(), **changes: Wallet(chain, adapter_of(chain, urls, **changes))


@pytest.fixture
def wallet(wallet_of: Callable[..., Wallet], evm_chain: DevChain) -> Wallet:
    """A wallet on the shared chain."""
    return wallet_of(evm_chain)


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
