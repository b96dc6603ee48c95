"""A running TRON network as the demo and the tests of plugins see it: a node, its token, and accounts that pay."""

from pathlib import Path
from typing import Any, Literal, Self

from cloudpay_devnet.errors import UnknownDevAsset
from cloudpay_devnet.networks import DevAccount, DevAsset, DevNetwork, Kind
from cloudpay_devnet.stopping import Stopping
from cloudpay_devnet.tron import founding
from cloudpay_devnet.tron.addresses import from_text, to_base58
from cloudpay_devnet.tron.calls import call
from cloudpay_devnet.tron.desk import Desk
from cloudpay_devnet.tron.genesis import first_block
from cloudpay_devnet.tron.keys import DevKey
from cloudpay_devnet.tron.node import TronNode, TronOptions
from cloudpay_devnet.tron.parameters import Parameters
from cloudpay_devnet.tron.paying import FEE_LIMIT, transfer
from cloudpay_devnet.waiting import wait_for

NAME, COIN, COIN_DECIMALS = "tron", "TRX", 6
_PURSE = 100_000  # a token's transfer burns up to thirteen

ContractPayment = Literal["send", "sendBySelfdestruct"]


class TronChain(Stopping):
    """A running TRON network. Amounts are integers of base units, addresses Base58.

    Without a block time every method that sends returns when its transaction is in a block; otherwise it
    returns when the node has accepted it, and `wait_for` waits for the block.
    """

    def __init__(self, node: TronNode) -> None:
        self.node = node
        self.desk = Desk(node)
        self.payer, self.faucet = founding.payer(), founding.faucet()
        self.token = to_base58(founding.usdt())

    @classmethod
    def start(cls, *, block_time: float | None = None, data_dir: Path | None = None, port: int = 0) -> Self:
        """Start a node with its token; see TronOptions."""
        return cls(TronNode(TronOptions(block_time, port, data_dir)))

    def stop(self) -> None:
        """Stop the node."""
        self.node.stop()

    @property
    def network(self) -> DevNetwork:
        """The running network as data; its chain id is the end of its genesis block's, as TRON has it."""
        return DevNetwork(
            name=NAME,
            kind=Kind.TRON,
            family=NAME,
            rpc_url=self.node.url,
            chain_id=int.from_bytes(first_block().id[-4:], "big"),
            confirmations=Parameters().solid_lag,
            assets={
                COIN: DevAsset(None, COIN_DECIMALS, _PURSE),
                founding.SYMBOL: DevAsset(self.token, founding.DECIMALS),
            },
            payer=DevAccount(self.payer.base58, self.payer.private_key),
            pid=self.node.pid,
            native_symbol=COIN,
            settings={"genesis": first_block().id.hex(), "finality": "solid"},
        )

    def transfer(self, sender: DevKey, asset: str, to: str, units: int, **fields: Any) -> str:
        """Send from an account; answers the transaction's id. `fields` such as `data` go into it."""
        return transfer(self.desk, sender, self._asset(asset).token_address, to, units, **fields)

    def pay(self, asset: str, to: str, units: int, **fields: Any) -> str:
        """Pay from the payer's account, as a customer does; answers the transaction's id."""
        return self.transfer(self.payer, asset, to, units, **fields)

    def fund(self, address: str, asset: str, units: int) -> str:
        """Give money to an account by an ordinary transfer from the faucet; answers the transaction's id."""
        return self.transfer(self.faucet, asset, address, units)

    def pay_through_contract(self, to: str, units: int, how: ContractPayment = "send") -> str:
        """Pay TRX from inside a contract call, as an exchange's withdrawal does."""
        contract = call(founding.forwarder(), f"{how}(address)", (from_text(to),), self.payer.address, units)
        return self.desk.taken(contract, self.payer, fee_limit=FEE_LIMIT)

    def balance(self, asset: str, address: str) -> int:
        """What an address holds at the head."""
        if self._asset(asset).token_address is None:
            return self.desk.balance(from_text(address))
        return self.desk.read(founding.usdt(), "balanceOf(address)", from_text(address))

    def receipt(self, txid: str) -> dict[str, Any] | None:
        """What became of a transaction; None while it is in no block."""
        return self.desk.receipt(txid) or None

    def wait_for(self, txid: str, seconds: float = 30.0) -> dict[str, Any]:
        """The receipt, as soon as the transaction is in a block; raises NotInTime."""
        return wait_for(f"transaction {txid}", lambda: self.receipt(txid), seconds)

    def _asset(self, symbol: str) -> DevAsset:
        assets = self.network.assets
        if symbol.upper() not in assets:
            raise UnknownDevAsset(symbol, NAME, list(assets))
        return assets[symbol.upper()]
