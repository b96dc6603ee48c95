"""Gas of what is sent, beside the least that the chain asks for it."""

from collections.abc import Iterator, Sequence

from sqlalchemy import select

from bench.payers import Payer, paying
from bench.report import Figure, Scale
from cloudpay.transactions.models import SpendRow
from cloudpay_devnet.contracts import call_data

_PLAIN = 21_000
"""Gas of a transfer to an address without code (Yellow Paper, appendix G)."""


def gas(scale: Scale) -> list[Figure]:
    """Send some of each and read their receipts."""
    count = scale.of(20, 3)
    with paying(None) as payer:
        payer.send("ETH", count)
        least = _token_transfer(payer)
        payer.send("USDT", count)
        payer.settle()
        return [
            *_beside("native payout", _used(payer, ""), _PLAIN),
            *_beside("token payout", _used(payer, payer.chain.asset("USDT").token_address or ""), least),
        ]


def _beside(what: str, used: Sequence[int], least: int) -> Iterator[Figure]:
    how = f"the chain's own cost of such a transfer: {least:,}; {len(used)} sent, the most {max(used):,}"
    yield Figure(f"gas of a {what}", sum(used) / len(used), "gas", how, at_most=least)


def _used(payer: Payer, asset: str) -> list[int]:
    wanted = select(SpendRow.tx_id).where(SpendRow.asset == asset, SpendRow.kind == "payout")
    with payer.shop.gateway.db.read() as session:
        ids = [str(tx_id) for tx_id in session.scalars(wanted)]
    receipts = (payer.chain.node.rpc.record("eth_getTransactionReceipt", each) for each in ids)
    return [int(str(each["gasUsed"]), 16) for each in receipts if each is not None]


def _token_transfer(payer: Payer) -> int:
    """Ask the node what a plain transfer to an address that has none of the token takes."""
    data = call_data("transfer(address,uint256)", f"0x{'ee' * 20}", 10_000)
    transfer = {"from": payer.master, "to": payer.chain.asset("USDT").token_address, "data": data}
    return payer.chain.node.rpc.number("eth_estimateGas", transfer)
