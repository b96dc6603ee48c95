"""What can be done with a development chain that no real chain allows."""

import secrets
from collections.abc import Sequence

from cloudpay_devnet.errors import DevnetError
from cloudpay_devnet.mining import INTERVAL_OF_OURS
from cloudpay_devnet.rpc import JsonRpc


class ChainControl:
    """Mining on demand, reorganisations, snapshots: anvil's own methods under plain names."""

    rpc: JsonRpc
    automine: bool

    def block_number(self) -> int:
        """The height of the head."""
        return self.rpc.number("eth_blockNumber")

    def block_hash(self, number: int) -> str:
        """The hash of a block of the present chain."""
        block = self.rpc.record("eth_getBlockByNumber", hex(number), False)
        if block is None:
            raise DevnetError(f"The chain has no block {number}; its head is {self.block_number()}.")
        return str(block["hash"])

    def mine(self, blocks: int = 1) -> int:
        """Mine so many blocks now, with what waits in the mempool; answers the new height."""
        self.rpc.call("anvil_mine", hex(blocks))
        return self.block_number()

    def set_automine(self, enabled: bool) -> None:
        """Mine a block for each transaction, or none but by `mine()`: either ends a block time."""
        self.rpc.call("evm_setAutomine", enabled)
        self.automine = enabled

    def resume_block_time(self) -> None:
        """Go on mining at the block time that the node was started with, after `set_automine`."""
        self.rpc.call("evm_setIntervalMining", INTERVAL_OF_OURS)
        self.automine = False

    def reorg(self, depth: int, keep: Sequence[tuple[str, int]] = ()) -> None:
        """Replace the last `depth` blocks by others of the same number.

        Their transactions vanish (anvil does not return them to the mempool), except those that `keep` names:
        pairs of a transaction's hash and the new block, from 0 to depth - 1, that it is mined in.
        """
        pairs = [(self.rpc.text("eth_getRawTransactionByHash", tx_hash), block) for tx_hash, block in keep]
        # Within the second in which it was mined, an empty block would be mined again as it was, hash and all.
        self.rpc.call("anvil_setCoinbase", "0x" + secrets.token_hex(20))
        self.rpc.call("anvil_reorg", depth, pairs)

    def drop_transaction(self, tx_hash: str) -> None:
        """Forget a transaction that waits in the mempool."""
        if self.rpc.call("anvil_dropTransaction", tx_hash) is None:
            raise DevnetError(f"The mempool holds no transaction {tx_hash}.")

    def snapshot(self) -> str:
        """Remember the chain as it is; `revert` goes back to it once."""
        return self.rpc.text("evm_snapshot")

    def revert(self, snapshot: str) -> None:
        """Go back to a snapshot."""
        if self.rpc.call("evm_revert", snapshot) is not True:
            raise DevnetError(f"There is no snapshot {snapshot}: each can be used once.")

    def set_balance(self, address: str, units: int) -> None:
        """Set a native balance in base units, without any transaction: no watcher can see it come."""
        self.rpc.call("anvil_setBalance", address, hex(units))

    def balance(self, address: str, block: int | str = "latest") -> int:
        """The native balance in base units, at a block."""
        at = hex(block) if isinstance(block, int) else block
        return self.rpc.number("eth_getBalance", address, at)
