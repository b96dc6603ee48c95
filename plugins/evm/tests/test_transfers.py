"""Which logs are money, and which only look like it."""

from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest

from cloudpay_evm import blooms
from cloudpay_evm.errors import NodeFault
from cloudpay_evm.transfers import TRANSFER, Tokens, require_block
from cloudpay_evm.wire import LOGS

USDT = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
PAYER, OURS = "0x" + "11" * 20, "0x" + "22" * 20
BLOCK = "0x" + "bb" * 32


@dataclass(frozen=True)
class Event:
    """A log as a node writes it; a test changes one part."""

    address: str = USDT.lower()
    topics: tuple[str, ...] = (TRANSFER, "0x" + "00" * 12 + "11" * 20, "0x" + "00" * 12 + "22" * 20)
    data: str = f"0x{1_000:064x}"
    removed: Any = False
    block_hash: Any = BLOCK

    def read(self) -> list[Any]:
        """Have it read through the wire's own shape."""
        plain = {
            "address": self.address,
            "topics": self.topics,
            "data": self.data,
            "removed": self.removed,
            "blockHash": self.block_hash,
            "blockNumber": "0x10",
            "transactionHash": "0x" + "cc" * 32,
            "transactionIndex": "0x2",
            "logIndex": "0x7",
        }
        return Tokens([USDT]).transfers(LOGS.decode(msgspec.json.encode([plain])))


GOOD = Event()


def test_a_transfer_of_a_listed_token_is_read_exactly() -> None:
    (found,) = GOOD.read()
    assert (found.contract, found.sender, found.recipient, found.amount) == (USDT, PAYER, OURS, 1_000)
    assert (found.block.height, found.block.hash, found.tx_id) == (16, BLOCK, "0x" + "cc" * 32)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(replace(GOOD, address=OURS), id="F1 another contract"),
        pytest.param(replace(GOOD, topics=("0x8c5be1e5" + "00" * 28, *GOOD.topics[1:])), id="F5 Approval"),
        pytest.param(replace(GOOD, data=f"0x{0:064x}"), id="F6 zero value"),
        pytest.param(replace(GOOD, topics=GOOD.topics[:2]), id="F19 two topics"),
        pytest.param(
            replace(GOOD, topics=(*GOOD.topics, f"0x{5:064x}")), id="F19 four topics, as an NFT has"
        ),
        pytest.param(replace(GOOD, topics=()), id="F19 no topics"),
        pytest.param(replace(GOOD, data="0x"), id="F19 no data"),
        pytest.param(replace(GOOD, data=GOOD.data + "00" * 32), id="F19 more data"),
        pytest.param(replace(GOOD, topics=(TRANSFER, "0x11", GOOD.topics[2])), id="F19 a short topic"),
        pytest.param(
            replace(GOOD, topics=(*GOOD.topics[:2], "0x" + "22" * 32)), id="F19 a topic that is no address"
        ),
        pytest.param(
            replace(GOOD, topics=(TRANSFER, GOOD.topics[1][:-1] + "\0", GOOD.topics[2])),
            id="F19 an address with NUL",
        ),
        pytest.param(replace(GOOD, data="0x" + "z" * 64), id="F19 data that are no number"),
        pytest.param(replace(GOOD, removed=True), id="of a block that was replaced"),
        pytest.param(replace(GOOD, block_hash=None), id="of a block that is not there yet"),
    ],
)
def test_what_only_looks_like_money_is_left_out(event: Event) -> None:
    assert event.read() == []


def test_the_largest_amount_is_exact() -> None:  # F18
    (found,) = replace(GOOD, data="0x" + "ff" * 32).read()
    assert found.amount == 2**256 - 1


def test_minted_coins_have_no_sender() -> None:
    (found,) = replace(GOOD, topics=(TRANSFER, "0x" + "00" * 32, GOOD.topics[2])).read()
    assert found.sender is None


@pytest.mark.parametrize("topic", ["0xzz", "soon", "0x0", "0x" + "\u0663" * 64])
def test_f41_a_topic_that_is_no_number_is_the_nodes_fault(topic: str) -> None:
    told = [{"address": USDT, "topics": [topic], "data": "0x", "blockHash": BLOCK}]
    with pytest.raises(NodeFault):
        blooms.of_logs(LOGS.decode(msgspec.json.encode(told)))


def test_a_log_of_another_block_than_the_one_asked_for_is_a_fault_of_the_node() -> None:
    logs = LOGS.decode(
        msgspec.json.encode([{"address": USDT, "topics": [], "data": "0x", "blockHash": BLOCK}])
    )
    from cloudpay.chains.types import BlockRef

    require_block(logs, BlockRef(1, BLOCK))
    with pytest.raises(NodeFault):
        require_block(logs, BlockRef(1, "0x" + "aa" * 32))
    placed = LOGS.decode(
        msgspec.json.encode(
            [{"address": USDT, "topics": [], "data": "0x", "blockHash": BLOCK, "blockNumber": "0x1"}]
        )
    )
    require_block(placed, BlockRef(1, BLOCK))
    with pytest.raises(NodeFault):
        require_block(placed, BlockRef(2, BLOCK))
