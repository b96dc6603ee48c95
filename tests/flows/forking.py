"""Two branches of one chain, on a real node."""

from dataclasses import dataclass

from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.contracts import call_data

# Accounts 2 to 6 of anvil's default mnemonic; each signs alone, so that what is dropped leaves no gap in its nonces.
MOVED, DROPPED, REPLACED, UNTOUCHED, FILLER = (
    "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
    "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
    "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65",
    "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc",
    "0x976EA74026E726554dB657fA54763abd0C3a0aa9",
)


@dataclass
class Fork:
    """A chain that mines when it is told, at whose tip a branch is begun, left and replaced by another."""

    chain: DevChain
    snapshot: str = ""
    began: int = 0

    def send(self, sender: str, to: str, units: int) -> str:
        """Put a token transfer into the mempool."""
        return self.chain.transfer(sender, "USDT", to, units)

    def begin(self) -> None:
        """Remember the chain as it is."""
        self.snapshot, self.began = self.chain.node.snapshot(), self.chain.node.block_number()

    def leave(self) -> None:
        """Go back to where the branch began."""
        self.chain.node.revert(self.snapshot)

    def send_again(self, raw: str) -> None:
        """Put a transaction of the other branch into the mempool, the same bytes."""
        self.chain.node.rpc.call("eth_sendRawTransaction", raw)

    def outbid(self) -> None:
        """Put a transfer into the mempool that stands before all others of its block."""
        token, price = self.chain.asset("USDT").token_address, hex(500 * 10**9)
        data = call_data("transfer(address,uint256)", FILLER, 1)
        request = {"from": FILLER, "to": token, "data": data, "gas": hex(150_000)}
        request |= {"maxFeePerGas": price, "maxPriorityFeePerGas": price}
        self.chain.node.rpc.call("eth_sendTransaction", request)

    def mine_again(self, raw: str, blocks: int) -> None:
        """Replace the branch by one of so many blocks and one more, in which that transaction stands elsewhere."""
        self.leave()
        self.outbid()
        self.chain.node.mine()
        self.outbid()
        self.send_again(raw)
        self.chain.node.mine(blocks)

    def raw(self, tx_hash: str) -> str:
        """A transaction's signed bytes."""
        return self.chain.node.rpc.text("eth_getRawTransactionByHash", tx_hash)

    def log_index(self, tx_hash: str) -> int:
        """Where the log of a transfer stands in its block."""
        receipt = self.chain.node.rpc.record("eth_getTransactionReceipt", tx_hash)
        assert receipt is not None
        logs = receipt["logs"]
        assert isinstance(logs, list)
        return int(logs[0]["logIndex"], 16)
