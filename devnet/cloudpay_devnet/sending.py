"""Sending transactions from accounts whose keys the node holds, and learning what became of them."""

from dataclasses import dataclass

from cloudpay_devnet.anvil import AnvilNode
from cloudpay_devnet.errors import DevnetError
from cloudpay_devnet.waiting import wait_for

DEFAULT_GAS = 150_000


@dataclass(frozen=True)
class Receipt:
    """What became of a transaction."""

    tx_hash: str
    succeeded: bool
    block_number: int
    block_hash: str


class Sender:
    """Sends through one node."""

    def __init__(self, node: AnvilNode) -> None:
        self.node = node

    def send(self, sender: str, to: str, data: str = "0x", value: int = 0, gas: int = DEFAULT_GAS) -> str:
        """Hand a transaction to the node, with automine until it is in a block; answers its hash."""
        # The gas is given, so that a transaction that will revert gets into a block all the same.
        request = {"from": sender, "to": to, "data": data, "value": hex(value), "gas": hex(gas)}
        tx_hash = self.node.rpc.text("eth_sendTransaction", request)
        if self.node.automine:
            self.wait_for(tx_hash)
        return tx_hash

    def settle(self, tx_hash: str) -> None:
        """Have a transaction in a block now, whatever the block time; raises when it was reverted."""
        if not self.node.automine:
            self.node.mine()
        if not self.wait_for(tx_hash).succeeded:
            raise DevnetError(f"Transaction {tx_hash}, which sets up the development chain, was reverted.")

    def receipt(self, tx_hash: str) -> Receipt | None:
        """What became of a transaction; None while it is in no block."""
        found = self.node.rpc.record("eth_getTransactionReceipt", tx_hash)
        if found is None:
            return None
        succeeded = int(str(found["status"]), 16) == 1
        return Receipt(tx_hash, succeeded, int(str(found["blockNumber"]), 16), str(found["blockHash"]))

    def wait_for(self, tx_hash: str, seconds: float = 30.0) -> Receipt:
        """The receipt, as soon as the transaction is in a block; raises NotInTime."""
        return wait_for(f"the inclusion of {tx_hash}", lambda: self.receipt(tx_hash), seconds, every=0.005)
