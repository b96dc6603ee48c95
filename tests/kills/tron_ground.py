"""A run's ground of the TRON family: the node for development, whose chain obeys."""

import hashlib
import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

from cloudpay.chains.spending import KeyPath
from cloudpay.chains.types import MASTER_CHAIN
from cloudpay.kernel.failpoints import Failpoint
from cloudpay.testing import SeedSigner
from cloudpay_devnet.tron.addresses import PREFIX, from_text, to_base58
from cloudpay_devnet.tron.founding import forwarder
from cloudpay_devnet.tron.network import TronChain
from cloudpay_devnet.tron.transactions import id_of
from cloudpay_tron.protocol import tron_pb2 as tron
from tests.kills.ground import TOKEN, Ground, Sent
from tests.kills.seed import SEED

_TRX = 10**6
_LAG = 5
"""Blocks below the newest one in which the solid one is."""
_LIFE_SECONDS = 60
"""Seconds after which what the gateway signs has expired: the least that may be set."""
_ENERGY_FEE, _DEAR = 100, 400
"""Sun for a unit of energy: as on the main net, and after which a sweep that was planned before costs too much."""
_PAGE = 100
_MASTER = KeyPath(0, MASTER_CHAIN, 0)


class TronGround(Ground):
    """A chain of solid blocks, and of transactions that expire."""

    cold = to_base58(PREFIX + b"\xc0" * 20)
    refusing = to_base58(forwarder())
    first_funds: ClassVar[Mapping[str, int]] = {"TRX": 100_000 * _TRX, TOKEN: 10**12}
    rates: ClassVar[Mapping[str, str]] = {"TRX": "0.01", TOKEN: "1"}
    never_passed = frozenset(
        (Failpoint.SEND_REPLACED, Failpoint.SEND_FROZEN)
    )  # nobody bids, nothing is claimed
    traces = True
    dear_for = 20

    def __init__(self, chain: TronChain) -> None:
        self.chain: TronChain = chain
        self._node = chain.node

    @classmethod
    def start(cls) -> Self:
        """Start the node, with a solid block that is not far behind."""
        chain = TronChain.start()
        chain.node.set_block_time(None)
        chain.node.control("parameters", solid_lag=_LAG)
        chain.node.mine(2 * _LAG)
        return cls(chain)

    def table(self, *, traces: bool) -> Mapping[str, Any]:
        """What is final is solid."""
        return {
            **self.chain.network.settings,
            "fee_cap": "1000",
            "expires_after_seconds": _LIFE_SECONDS,
            "internal_transfers": traces,
        }

    def height(self) -> int:
        """Ask the node."""
        return int(self._node.call("wallet/getblock", detail=False)["block_header"]["raw_data"]["number"])

    def reorganise(self, depth: int, chance: random.Random, ours: Collection[str]) -> None:
        """What was in them waits, or is lost."""
        for tx_id in self._node.fork(depth):
            found = self._node.call("wallet/gettransactionfrompending", value=tx_id)
            if found and _sender(found) in ours and chance.random() < 0.5:
                self.drop(tx_id)

    def address(self, name: str) -> str:
        """Hash it."""
        return to_base58(PREFIX + hashlib.sha256(name.encode()).digest()[:20])

    def waiting(self, address: str) -> Sequence[str]:
        """Ask for all that waits, one by one."""
        ids = self._node.call("wallet/gettransactionlistfrompending").get("txId", [])
        found = ((each, self._node.call("wallet/gettransactionfrompending", value=each)) for each in ids)
        return [tx_id for tx_id, transaction in found if transaction and _sender(transaction) == address]

    def drop(self, tx_id: str) -> None:
        """Have the node forget it."""
        self._node.control("lose", txid=tx_id)

    def steal(self, address: str, units: int) -> str:
        """Sign with the master wallet's key, which whoever has the seed has."""
        thief = from_text(self.address("thief"))
        transfer = tron.TransferContract(owner_address=from_text(address), to_address=thief, amount=units)
        transaction = self.chain.desk.framed(transfer)
        transaction.signature.append(SeedSigner(SEED, coin_type=195).sign(_MASTER, id_of(transaction)))
        told = self.chain.desk.sent(transaction)
        return str(told["txid"]) if told.get("result") else ""

    def make_dear(self) -> None:
        """Have energy cost four times as much."""
        self._node.control("parameters", energy_fee=_DEAR)

    def make_cheap(self) -> None:
        """Have it cost as much as before."""
        self._node.control("parameters", energy_fee=_ENERGY_FEE)

    def let_expire(self) -> bool:
        """Put the chain's clock on beyond it, with nothing in a block that might be in time."""
        self._node.pass_time(_LIFE_SECONDS + 2, empty=True)
        return True

    def transactions(self, addresses: Iterable[str]) -> Iterator[Sent]:
        """Read all blocks."""
        ours = set(addresses)
        for first in range(0, self.height() + 1, _PAGE):
            found = self._node.call("wallet/getblockbylimitnext", startNum=first, endNum=first + _PAGE)
            for block in found.get("block", []):
                for each in block.get("transactions", []):
                    if _sender(each) in ours:
                        yield Sent(_sender(each), each["txID"], "", self._fee(each["txID"]))

    def _fee(self, tx_id: str) -> int:
        return int(self._node.call("wallet/gettransactioninfobyid", value=tx_id).get("fee", 0))


def _sender(transaction: Mapping[str, Any]) -> str:
    owner = transaction["raw_data"]["contract"][0]["parameter"]["value"]["owner_address"]
    return to_base58(bytes.fromhex(owner))
