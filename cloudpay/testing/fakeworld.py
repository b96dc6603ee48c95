"""The conformance suite's world over a fake chain: an example of a world, and the ground for planted defects."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cache

from cloudpay.chains.errors import WrongChain, WrongDecimals
from cloudpay.chains.network import Asset, Network
from cloudpay.chains.registry import load_chains
from cloudpay.chains.spending import KeyPath
from cloudpay.chains.types import Capability
from cloudpay.kernel.errors import CloudPayError
from cloudpay.testing.addresses import fake_address
from cloudpay.testing.fakechain import FakeChain
from cloudpay.testing.fakescript import FEE
from cloudpay.testing.ledger import Move
from cloudpay.testing.plugin import fake_plugin
from cloudpay.testing.signing import SeedSigner


class FakeWorld:
    """A `ChainWorld` over `FakeChain`, or over a class derived from it."""

    plugin_module = "cloudpay.testing.plugin"
    signer = SeedSigner()
    account_key = signer.account_public_key()
    largest_amount = 2**256 - 1

    def __init__(
        self,
        kind: type[FakeChain] = FakeChain,
        capabilities: Capability | None = None,
        network: Network | None = None,
    ) -> None:
        self.network: Network = network or _network()
        self.adapter = kind(self.network.code, self.network.settings)
        if capabilities is not None:
            self.adapter.capabilities = capabilities
            definition = replace(self.network.definition, sends=Capability.SENDS in capabilities)
            self.network = replace(self.network, definition=definition)
        tokens = Capability.TOKENS in self.adapter.capabilities
        self.token: Asset | None = self.network.asset("USDT") if tokens else None
        self.lookalike = fake_address("another USDT") if tokens else ""
        self.blocks_to_finality = self.network.settings.confirmations - 1
        self._kind = kind
        self._made = 0
        self._paths: dict[str, KeyPath] = {}

    @property
    def spellings(self) -> Mapping[str, str]:
        """Upper case is another spelling."""
        address = fake_address("spelt")
        return {address.upper(): address, address: address}

    @property
    def not_addresses(self) -> Sequence[str]:
        """A wrong checksum, the test net, another chain."""
        address = fake_address("spelt")
        return (address[:-1] + ("0" if address[-1] != "0" else "1"), "t" + address, "0x" + "ab" * 20)

    def new_address(self) -> str:
        """The next one below the account."""
        self._made += 1
        path = KeyPath(0, 0, 1_000 + self._made)
        address = self.network.addresses.derive(self.account_key, path.chain, path.index)
        self._paths[address] = path
        return address

    def path_of(self, address: str) -> KeyPath:
        """The path that it was derived by."""
        return self._paths[address]

    def closed_address(self) -> str:
        """A new one that the chain lets nobody send to."""
        address = self.new_address()
        self.adapter.refusing.add(address)
        return address

    def send(
        self,
        to: str,
        amount: int,
        contract: str | None = None,
        *,
        sender: str | None = None,
        fails: bool = False,
    ) -> str:
        """Send, from a sender that is given the money first."""
        if sender:
            self.adapter.fund(sender, amount, contract)
            self.adapter.fund(sender, FEE)
        return self.adapter.send(to, amount, contract, sender, fails=fails)

    def send_many(self, payments: Sequence[tuple[str, int]], contract: str | None) -> str:
        """Send several transfers in one transaction of the payer."""
        payer = self.adapter.payer
        return self.adapter.transact(*(Move(payer, to, amount, contract) for to, amount in payments))

    def send_through_contract(self, to: str, amount: int) -> str:
        """Send native money by a contract."""
        return self.adapter.send(to, amount, via_contract=True)

    def mine(self, n: int = 1) -> None:
        """Mine `n` blocks."""
        self.adapter.mine(n)

    def reorg(self, depth: int) -> None:
        """Replace blocks by as many others: the head is no higher than before."""
        self.adapter.reorg(depth, longer=0)

    def nodes_down(self) -> AbstractContextManager[None]:
        """Take the one node away."""
        return self._down()

    def misconfigured(self) -> Mapping[type[CloudPayError], FakeChain]:
        """Two other chains, one wrong in each way."""
        wrong_chain, wrong_decimals = (self._kind(self.network.code, self.network.settings) for _ in range(2))
        wrong_chain.wrong_chain = True
        wrong_decimals.wrong_decimals = {"USDT": 7}
        return {WrongChain: wrong_chain, WrongDecimals: wrong_decimals}

    @contextmanager
    def _down(self) -> Iterator[None]:
        self.adapter.go_down()
        try:
            yield
        finally:
            self.adapter.come_back()


@cache
def _network() -> Network:
    name, plugin = fake_plugin("evm")
    return load_chains(plugin.tables, "evm", (name, plugin)).network("evm")
