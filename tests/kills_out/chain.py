"""What the chain itself says at the end of a run; none of the gateway's code or tables is asked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eth_utils.address import to_checksum_address

from cloudpay_devnet.chain import DevChain


@dataclass(frozen=True)
class Sent:
    """One transaction of an address of ours in a block."""

    sender: str
    tx_id: str
    nonce: int
    succeeded: bool
    fee: int


@dataclass(frozen=True)
class ChainTruth:
    """A chain that nothing more happens on."""

    chain: DevChain
    master: str
    deposits: tuple[str, ...]

    @cached_property
    def sent(self) -> list[Sent]:
        """Every transaction of our addresses, read block by block, in their order."""
        rpc = self.chain.node.rpc
        blocks: Any = (
            rpc.record("eth_getBlockByNumber", hex(height), True)
            for height in range(self.chain.node.block_number() + 1)
        )
        everything = (each for block in blocks for each in block["transactions"])
        ours = {self.master, *self.deposits}
        return [self._read(each) for each in everything if to_checksum_address(each["from"]) in ours]

    def count(self, address: str) -> int:
        """The first nonce of an address that is free."""
        return self.chain.node.rpc.number("eth_getTransactionCount", address, "latest")

    def held(self, asset: str, address: str) -> int:
        """What an address holds."""
        return self.chain.balance(asset, address)

    def fees(self, *, leaving: Iterable[str] = ()) -> int:
        """What our addresses have paid for their transactions, but for some of them."""
        left = set(leaving)
        return sum(each.fee for each in self.sent if each.tx_id not in left)

    def _read(self, transaction: Mapping[str, Any]) -> Sent:
        receipt: Any = self.chain.node.rpc.record("eth_getTransactionReceipt", transaction["hash"])
        fee = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
        return Sent(
            to_checksum_address(transaction["from"]),
            transaction["hash"],
            int(transaction["nonce"], 16),
            int(receipt["status"], 16) == 1,
            fee,
        )
