"""The chains that payouts are measured on: how each starts, and what a master wallet begins with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import func, select

from bench.shops import Shop
from cloudpay.transactions.models import SpendRow
from cloudpay.transactions.states import SpendStatus
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.chains import LocalChain
from cloudpay_devnet.tron.network import TronChain

BLOCK_SECONDS = 1.0
IN_FLIGHT = 1_000
"""As the demo has it: anvil drops nothing."""

ChainT = TypeVar("ChainT", bound=LocalChain)


@dataclass(frozen=True)
class Ground(Generic[ChainT]):
    """A kind of chain. `taken` answers how many transactions of a master wallet its node has taken in."""

    start: Callable[[], ChainT]
    table: Mapping[str, Any]
    funds: Mapping[str, int]
    ones: Mapping[str, str]
    prices: Mapping[str, str]
    taken: Callable[[ChainT, Shop, str], int]


def _of_its_nonce(chain: DevChain, _shop: Shop, master: str) -> int:
    """In blocks and in the pool."""
    return chain.node.rpc.number("eth_getTransactionCount", master, "pending")


def _by_its_answers(_chain: TronChain, shop: Shop, _master: str) -> int:
    """What the gateway has put down of the node's answers: TRON counts no address's transactions."""
    told = (SpendStatus.SENT, SpendStatus.CONFIRMED)
    wanted = select(func.count()).where(SpendRow.kind == "payout", SpendRow.status.in_(told))
    return shop.gateway.db.ask(lambda connection: connection.scalar(wanted)) or 0


EVM = Ground(
    start=lambda: DevChain.start("evm", block_time=BLOCK_SECONDS),
    table={"block_seconds": BLOCK_SECONDS, "in_flight": IN_FLIGHT},
    funds={"ETH": 10**22, "USDT": 10**13},
    ones={"ETH": "0.000001", "USDT": "0.01"},
    prices={"ETH": "2500.00", "USDT": "1.00"},
    taken=_of_its_nonce,
)
TRON = Ground(
    start=lambda: TronChain.start(block_time=BLOCK_SECONDS),
    table={
        "block_seconds": BLOCK_SECONDS,
        "poll_seconds": BLOCK_SECONDS / 2,
        "max_in_flight": IN_FLIGHT,
    },
    funds={"TRX": 10**11, "USDT": 10**13},
    ones={"TRX": "0.01", "USDT": "0.01"},
    prices={"TRX": "0.30", "USDT": "1.00"},
    taken=_by_its_answers,
)
