"""The conformance suite's world over a real anvil node, for every plugin of the EVM family."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from cloudpay.chains.adapter import ChainAdapter
from cloudpay.chains.errors import WrongChain, WrongDecimals
from cloudpay.chains.network import Asset, Network
from cloudpay.chains.registry import Chains, load_chains
from cloudpay.chains.spending import KeyPath
from cloudpay.kernel.errors import CloudPayError
from cloudpay.testing import SeedSigner
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.contracts import call_data
from cloudpay_devnet.faultproxy import FaultProxy
from cloudpay_devnet.networks import FAUCET, TokenSpec

_FIRST = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
_GAS_MONEY = 10**18
_REVERTS = "0x60006000fd"  # PUSH1 0, PUSH1 0, REVERT: an address that takes no money


class EvmWorld:
    """A `ChainWorld` over a `DevChain` of its own: what is sent waits until `mine`."""

    signer = SeedSigner(coin_type=60)
    account_key = signer.account_public_key()
    largest_amount = 2**255
    spellings: Mapping[str, str] = {
        _FIRST: _FIRST,
        _FIRST.lower(): _FIRST,
        "0x" + _FIRST[2:].upper(): _FIRST,
    }
    not_addresses: Sequence[str] = (
        _FIRST.replace("F", "f", 1),  # the checksum of EIP-55 is in the case
        _FIRST[2:],
        "0x" + "ab" * 32,
        "0x" + "0" * 40,
        "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
        "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
        "vitalik.eth",
    )

    def __init__(self, chain: DevChain, proxy: FaultProxy) -> None:
        code = chain.spec.name
        self.plugin_module = f"cloudpay_{code}.plugin"
        self.blocks_to_finality = chain.spec.confirmations - 1
        self._chain, self._proxy, self._code = chain, proxy, code
        self.lookalike = chain.deploy_token(TokenSpec("USDT", "Tether USD", 6), secrets.token_hex(8))
        chain.node.set_automine(False)
        self._opened: list[Chains] = []
        chains = self._load()
        self.network: Network = chains.network(code)
        self.adapter: ChainAdapter = chains.adapter(code)
        self.adapter.verify()
        self.token: Asset | None = self.network.asset("USDT")
        self._made = 0
        self._paths: dict[str, KeyPath] = {}

    def new_address(self) -> str:
        """The next address below the account."""
        self._made += 1
        path = KeyPath(0, 0, 10_000 + self._made)
        address = self.network.addresses.derive(self.account_key, path.chain, path.index)
        self._paths[address] = path
        return address

    def path_of(self, address: str) -> KeyPath:
        """The path that it was derived by."""
        return self._paths[address]

    def closed_address(self) -> str:
        """A contract that takes no money."""
        address = self.new_address()
        self._chain.node.rpc.call("anvil_setCode", address, _REVERTS)
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
        """Send; a sender of the test's own is given the money and impersonated."""
        origin = sender or self._chain.payer.address
        if sender:
            self._chain.node.set_balance(sender, _GAS_MONEY + amount)
            self._chain.node.rpc.call("anvil_impersonateAccount", sender)
        if contract is None:
            if fails:
                self._chain.node.rpc.call("anvil_setCode", to, _REVERTS)
            return self._transact(origin, to, value=amount)
        if sender or amount > 2**128:
            self._mint(contract, origin, amount)
        wanted = 2**256 - 1 if fails else amount
        return self._transact(origin, contract, call_data("transfer(address,uint256)", to, wanted))

    def send_many(self, payments: Sequence[tuple[str, int]], contract: str | None) -> str:
        """Send several token transfers in one transaction, by a contract under an allowance."""
        assert contract
        return self._chain.pay_many_tokens("USDT", payments)

    def send_through_contract(self, to: str, amount: int) -> str:
        """Send native money by a contract."""
        return self._chain.pay_through_contract(to, amount)

    def mine(self, n: int = 1) -> None:
        """Mine `n` blocks, the first with all that waits."""
        self._chain.node.mine(n)

    def reorg(self, depth: int) -> None:
        """Replace blocks by as many empty ones."""
        self._chain.node.reorg(depth)

    def nodes_down(self) -> AbstractContextManager[None]:
        """Cut every connection to the one node."""
        return self._down()

    def misconfigured(self) -> Mapping[type[CloudPayError], ChainAdapter]:
        """The same node under a wrong chain id, and with a token of other decimals."""
        assert self.token
        wrong = {"USDT": {"contract": self.token.contract, "decimals": self.token.decimals + 1}}
        return {
            WrongChain: self._load(chain_id=1).adapter(self._code),
            WrongDecimals: self._load(tokens=wrong).adapter(self._code),
        }

    def close(self) -> None:
        """Close every adapter that was opened."""
        for chains in self._opened:
            chains.close()

    def _load(self, *, tokens: Mapping[str, Any] | None = None, **changes: Any) -> Chains:
        spec = self._chain.spec
        listed = {
            symbol: {"contract": asset.token_address, "decimals": asset.decimals}
            for symbol, asset in self._chain.network.assets.items()
        }
        table = {
            "family": self._code,
            "chain_id": spec.chain_id,
            "rpc_urls": [self._proxy.url],
            "confirmations": spec.confirmations,
            "native": spec.native_symbol,
            "assets": {**listed, **(tokens or {})},
        }
        chains = load_chains({self._code: {**table, **changes}}, self._code)
        self._opened.append(chains)
        return chains

    def _transact(self, origin: str, to: str, data: str = "0x", value: int = 0) -> str:
        request = {"from": origin, "to": to, "data": data, "value": hex(value), "gas": hex(150_000)}
        return self._chain.node.rpc.text("eth_sendTransaction", request)

    def _mint(self, contract: str, to: str, amount: int) -> None:
        self._transact(FAUCET.address, contract, call_data("mint(address,uint256)", to, amount))

    @contextmanager
    def _down(self) -> Iterator[None]:
        self._proxy.down = True
        try:
            yield
        finally:
            self._proxy.down = False


@contextmanager
def open_world(network: str) -> Iterator[EvmWorld]:
    """Start a network's node with a proxy in front, and the world over both."""
    with DevChain.start(network) as chain, FaultProxy(chain.node.rpc_url) as proxy:
        world = EvmWorld(chain, proxy)
        yield world
        world.close()
