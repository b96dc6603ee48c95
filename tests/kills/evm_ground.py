"""A run's ground of the EVM family: anvil, with its own means to change what was mined."""

import random
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.deploying import forwarder_deployment
from cloudpay_devnet.errors import RpcFailed
from tests.kills.ground import TOKEN, Ground, Sent

CONFIRMATIONS = 5
_DEAR = 20 * 10**9
"""The base fee of a block after which a sweep that was planned before costs more than was left for it."""
_THIEF = to_checksum_address("0x" + "7f" * 20)


class EvmGround(Ground):
    """A chain of blocks that bear a base fee, and of transactions with nonces."""

    cold = to_checksum_address("0x" + "c0" * 20)
    refusing = forwarder_deployment().address
    first_funds: ClassVar[Mapping[str, int]] = {"ETH": 500 * 10**18, TOKEN: 10**12}
    rates: ClassVar[Mapping[str, str]] = {"ETH": "2500", TOKEN: "1"}
    traces = False
    dear_for = 30  # an empty block's base fee is an eighth less than its parent's (EIP-1559)

    def __init__(self, chain: DevChain) -> None:
        self.chain: DevChain = chain
        self._rpc = chain.node.rpc

    @classmethod
    def start(cls) -> Self:
        """Start anvil."""
        chain = DevChain.start("evm")
        chain.node.set_automine(enabled=False)
        return cls(chain)

    def table(self, *, traces: bool) -> Mapping[str, Any]:
        """What is final is so by depth."""
        return {
            "chain_id": self.chain.spec.chain_id,
            "finality": "depth",
            "confirmations": CONFIRMATIONS,
            "traces": "on" if traces else "off",
        }

    def height(self) -> int:
        """Ask the node."""
        return self.chain.node.block_number()

    def reorganise(self, depth: int, chance: random.Random, ours: Collection[str]) -> None:
        """Every other time they come again at once in the blocks that replace theirs, else later."""
        head, raw = self.height(), list[str]()
        for height in range(head - depth + 1, head + 1):
            block = self._rpc.record("eth_getBlockByNumber", hex(height), False)
            hashes = block["transactions"] if block else []
            assert isinstance(hashes, list)
            raw += [self._rpc.text("eth_getRawTransactionByHash", each) for each in hashes]
        if chance.random() < 0.5:
            places = sorted(chance.randrange(depth) for _ in raw)  # in order: they are one account's
            self._rpc.call("anvil_reorg", depth, [list(pair) for pair in zip(raw, places, strict=True)])
        else:
            self._rpc.call("anvil_reorg", depth, [])
            for each in raw:
                if _sender(each) not in ours or chance.random() < 0.5:
                    self._hand_out(each, ours)
        self._rpc.call("evm_setTime", int(time.time()))  # a reorganisation turned the node's clock back

    def address(self, name: str) -> str:
        """Hash it."""
        return to_checksum_address(keccak(text=name)[12:])

    def waiting(self, address: str) -> Sequence[str]:
        """Read the mempool by nonce."""
        found = self._pool(address)
        return [found[nonce] for nonce in sorted(found)]

    def drop(self, tx_id: str) -> None:
        """Take it out of the mempool."""
        self._rpc.call("anvil_dropTransaction", tx_id)

    def steal(self, address: str, units: int) -> str:
        """Take the place of the oldest transaction that waits."""
        waiting = self._pool(address)
        nonce = min(waiting, default=-1)
        if nonce != self._rpc.number("eth_getTransactionCount", address, "latest"):
            return ""
        self.drop(waiting[nonce])
        self._rpc.call("anvil_impersonateAccount", address)
        wanted = {"from": address, "to": _THIEF, "value": hex(units), "nonce": hex(nonce), "gas": hex(21_000)}
        stolen = self._rpc.text("eth_sendTransaction", wanted)
        self._rpc.call("anvil_stopImpersonatingAccount", address)
        return stolen

    def make_dear(self) -> None:
        """Have the next block be dear; it becomes cheap by itself."""
        self._rpc.call("anvil_setNextBlockBaseFeePerGas", hex(_DEAR))

    def make_cheap(self) -> None:
        """Nothing is to be done."""

    def transactions(self, addresses: Iterable[str]) -> Iterator[Sent]:
        """Read all blocks."""
        ours = set(addresses)
        for height in range(self.height() + 1):
            block: Any = self._rpc.record("eth_getBlockByNumber", hex(height), True)
            for each in block["transactions"]:
                if to_checksum_address(each["from"]) in ours:
                    yield self._sent(each)

    def gaps(self, sent: Sequence[Sent], addresses: Iterable[str]) -> Iterator[str]:
        """Nonces are counted from 0 without a hole."""
        for address in addresses:
            nonces = [int(each.claim.rpartition(":")[2]) for each in sent if each.sender == address]
            if nonces != [*range(self._rpc.number("eth_getTransactionCount", address, "latest"))]:
                yield f"the chain has the nonces {nonces} of {address}"

    def _sent(self, transaction: Mapping[str, Any]) -> Sent:
        receipt: Any = self._rpc.record("eth_getTransactionReceipt", transaction["hash"])
        sender, nonce = to_checksum_address(transaction["from"]), int(transaction["nonce"], 16)
        fee = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
        return Sent(sender, transaction["hash"], f"{sender}:nonce:{nonce}", fee)

    def _pool(self, address: str) -> dict[int, str]:
        pool: Any = self._rpc.call("txpool_content")
        return {
            int(nonce): each["hash"]
            for part in ("pending", "queued")
            for sender, found in pool[part].items()
            if to_checksum_address(sender) == address
            for nonce, each in found.items()
        }

    def _hand_out(self, raw: str, ours: Collection[str]) -> None:
        try:
            self._rpc.call("eth_sendRawTransaction", raw)
        except RpcFailed:
            if _sender(raw) not in ours:  # else the gateway was faster
                raise


def _sender(raw: str) -> str:
    from eth_account import Account

    try:
        return str(Account.recover_transaction(raw))
    except ValueError:
        return ""
