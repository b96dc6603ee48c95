"""A development network: an anvil node, its token, and accounts that pay."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from cloudpay_devnet.anvil import AnvilNode, AnvilOptions
from cloudpay_devnet.contracts import call_data
from cloudpay_devnet.deploying import deploy, deploy_token, forwarder_deployment, token_deployment
from cloudpay_devnet.errors import DevnetError, UnknownDevAsset
from cloudpay_devnet.networks import (
    FAUCET,
    PAYER,
    DevAsset,
    DevNetwork,
    Kind,
    NetworkSpec,
    TokenSpec,
    network_spec,
)
from cloudpay_devnet.sending import DEFAULT_GAS, Receipt, Sender
from cloudpay_devnet.stopping import Stopping

if TYPE_CHECKING:
    from web3 import Web3

_GAS_PER_RECEIVER = 80_000
_IN_FLIGHT = 1_000  # anvil drops nothing: only a real node forgets what an address has too much of

ContractPayment = Literal["send", "sendBySelfdestruct", "sendThenUndo"]


class DevChain(Stopping):
    """A running development network. Amounts are integers of base units.

    With automine (no block time) every method that sends returns when its transaction is in a block;
    otherwise it returns when the node has accepted it, and `wait_for` waits for the block.
    """

    def __init__(self, spec: NetworkSpec, node: AnvilNode) -> None:
        self.spec = spec
        self.node = node
        self.payer = PAYER
        self._sender = Sender(node)
        self._tokens = {token.symbol: token_deployment(token, spec.name) for token in spec.tokens}
        self._forwarder = forwarder_deployment().address
        for token in spec.tokens:
            deploy_token(self._sender, token, self._tokens[token.symbol])
        deploy(self._sender, forwarder_deployment())

    @classmethod
    def start(
        cls,
        network: str | NetworkSpec = "evm",
        *,
        block_time: float | None = None,
        state_path: Path | None = None,
        port: int = 0,
    ) -> Self:
        """Start a network by name, or one of your own making; see AnvilOptions for the options."""
        spec = network_spec(network) if isinstance(network, str) else network
        node = AnvilNode(AnvilOptions(spec.chain_id, block_time, spec.slots_in_epoch, port, state_path))
        try:
            return cls(spec, node)
        except BaseException:
            node.stop()
            raise

    def stop(self) -> None:
        """Stop the node."""
        self.node.stop()

    @property
    def network(self) -> DevNetwork:
        """The running network as data."""
        spec = self.spec
        assets = {spec.native_symbol: DevAsset(None, spec.native_decimals)}
        for token in spec.tokens:
            assets[token.symbol] = DevAsset(self._tokens[token.symbol].address, token.decimals)
        return DevNetwork(
            name=spec.name,
            kind=Kind.EVM,
            family=spec.family,
            rpc_url=self.node.rpc_url,
            chain_id=spec.chain_id,
            confirmations=spec.confirmations,
            assets=assets,
            payer=self.payer,
            pid=self.node.pid,
            native_symbol=spec.native_symbol,
            settings={"chain_id": spec.chain_id, "finality": "depth", "in_flight": _IN_FLIGHT},
        )

    def asset(self, symbol: str) -> DevAsset:
        """An asset by symbol, in any case; raises UnknownDevAsset."""
        assets = self.network.assets
        if symbol.upper() not in assets:
            raise UnknownDevAsset(symbol, self.spec.name, list(assets))
        return assets[symbol.upper()]

    def transfer(self, sender: str, asset: str, to: str, units: int) -> str:
        """Send from an account that the node holds keys for; answers the transaction hash."""
        token = self.asset(asset).token_address
        if token is None:
            return self._sender.send(sender, to, value=units)
        return self._sender.send(sender, token, call_data("transfer(address,uint256)", to, units))

    def pay(self, asset: str, to: str, units: int) -> str:
        """Pay from the payer's account, as a customer does; answers the transaction hash."""
        return self.transfer(self.payer.address, asset, to, units)

    def fund(self, address: str, asset: str, units: int) -> str:
        """Give money to an account by an ordinary transfer from the faucet; answers the transaction hash."""
        return self.transfer(FAUCET.address, asset, address, units)

    def pay_through_contract(self, to: str, units: int, how: ContractPayment = "send") -> str:
        """Pay native coins from inside a contract call, as an exchange's withdrawal does.

        `sendBySelfdestruct` moves them without a call to the receiver. `sendThenUndo` succeeds, but its
        transfer was undone inside: nothing arrives.
        """
        return self._sender.send(
            self.payer.address, self._forwarder, call_data(f"{how}(address)", to), units, gas=500_000
        )

    def pay_many_through_contract(self, payments: Sequence[tuple[str, int]]) -> str:
        """Pay native coins to many receivers (an address may be named twice) in one transaction."""
        receivers, amounts = [to for to, _ in payments], [units for _, units in payments]
        data = call_data("sendMany(address[],uint256[])", receivers, amounts)
        gas = DEFAULT_GAS + _GAS_PER_RECEIVER * len(payments)
        return self._sender.send(self.payer.address, self._forwarder, data, sum(amounts), gas)

    def pay_many_tokens(self, asset: str, payments: Sequence[tuple[str, int]]) -> str:
        """Pay a token to many receivers in one transaction, by a third party's transferFrom."""
        token = self._token(asset)
        receivers, amounts = [to for to, _ in payments], [units for _, units in payments]
        approval = call_data("approve(address,uint256)", self._forwarder, sum(amounts))
        self._sender.send(self.payer.address, token, approval)
        data = call_data("sendTokens(address,address[],uint256[])", token, receivers, amounts)
        gas = DEFAULT_GAS + _GAS_PER_RECEIVER * len(payments)
        return self._sender.send(self.payer.address, self._forwarder, data, gas=gas)

    def pause_token(self, asset: str, *, paused: bool = True) -> str:
        """Stop all transfers of a token, as its issuer can; answers the transaction hash."""
        return self._sender.send(FAUCET.address, self._token(asset), call_data("setPaused(bool)", paused))

    def block_account(self, asset: str, address: str, *, blocked: bool = True) -> str:
        """Have a token's issuer block an account: it receives, but cannot send any more."""
        data = call_data("setBlocked(address,bool)", address, blocked)
        return self._sender.send(FAUCET.address, self._token(asset), data)

    def _token(self, asset: str) -> str:
        address = self.asset(asset).token_address
        if address is None:
            raise DevnetError(f"{asset} is the native coin of {self.spec.name}, which has no contract.")
        return address

    def deploy_token(self, token: TokenSpec, salt: str = "another") -> str:
        """Deploy one more token, such as a counterfeit of the same symbol; the payer holds a supply."""
        place = token_deployment(token, salt)
        deploy_token(self._sender, token, place)
        return place.address

    def balance(self, asset: str, address: str) -> int:
        """What an address holds in the newest block."""
        token = self.asset(asset).token_address
        if token is None:
            return self.node.balance(address)
        request = {"to": token, "data": call_data("balanceOf(address)", address)}
        return self.node.rpc.number("eth_call", request, "latest")

    def receipt(self, tx_hash: str) -> Receipt | None:
        """What became of a transaction; None while it is in no block."""
        return self._sender.receipt(tx_hash)

    def wait_for(self, tx_hash: str, seconds: float = 30.0) -> Receipt:
        """The receipt, as soon as the transaction is in a block; raises NotInTime."""
        return self._sender.wait_for(tx_hash, seconds)

    def web3(self) -> "Web3":
        """A connected web3 client of this node."""
        from web3 import HTTPProvider, Web3

        return Web3(HTTPProvider(self.node.rpc_url))
