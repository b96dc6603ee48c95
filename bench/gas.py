"""Gas of what is sent, beside the least that the chain asks for it."""

from collections.abc import Iterator, Sequence

from sqlalchemy import select

from bench.grounds import EVM
from bench.latency import invoice
from bench.payers import Payer, paying
from bench.report import Figure, Scale
from bench.servers import wait_for
from cloudpay.transactions.models import SpendRow
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.contracts import call_data

_PLAIN = 21_000
"""Gas of a transfer to an address without code (Yellow Paper, appendix G)."""


def gas(scale: Scale) -> list[Figure]:
    """Send some of each and read their receipts."""
    count = scale.of(20, 3)
    with paying(None, EVM) as payer:
        payer.send("ETH", count)
        least = _token_transfer(payer, payer.master, f"0x{'ee' * 20}", 10_000)  # which has none of it
        payer.send("USDT", count)
        payer.settle()
        return [
            *_beside("native payout", _used(payer, ""), _PLAIN),
            *_beside("token payout", _used(payer, payer.chain.asset("USDT").token_address or ""), least),
        ]


def swept(scale: Scale) -> list[Figure]:
    """Have token invoices paid, and read the receipts of their sweeps and of the top-ups for them."""
    count = scale.of(10, 2)
    with paying(None, EVM) as payer:
        symbol, least = "USDT", []
        for _ in range(count):
            option = invoice(payer.shop, symbol, "https://shop.example.com/hook", 100).option
            payer.chain.wait_for(payer.chain.pay(symbol, option.address, option.amount))
            least.append(_token_transfer(payer, option.address, payer.master, option.amount))
        wait_for(lambda: len(_kind(payer, "sweep")) >= count, "every sweep", 300, 0.2)
        gas_of = {kind: _receipts(payer, _kind(payer, kind)) for kind in ("sweep", "top_up")}
    for_all = sum(sum(each) for each in gas_of.values()) / count
    plain = max(least)
    how = f"sweep {sum(gas_of['sweep']) / count:,.0f}, top-up {sum(gas_of['top_up']) / count:,.0f} each; {count} swept"
    return [
        Figure("gas of a swept token deposit, its top-up with it", for_all, "gas", how),
        Figure(
            "  beside a plain transfer of the same tokens and of native coins",
            for_all / (plain + _PLAIN),
            "times",
            f"{plain:,} and {_PLAIN:,}",
        ),
    ]


def _kind(payer: Payer[DevChain], kind: str) -> list[str]:
    wanted = select(SpendRow.tx_id).where(SpendRow.kind == kind, SpendRow.status == "confirmed")
    with payer.shop.gateway.db.read() as session:
        return [str(tx_id) for tx_id in session.scalars(wanted)]


def _beside(what: str, used: Sequence[int], least: int) -> Iterator[Figure]:
    how = f"the chain's own cost of such a transfer: {least:,}; {len(used)} sent, the most {max(used):,}"
    yield Figure(f"gas of a {what}", sum(used) / len(used), "gas", how, at_most=least)


def _used(payer: Payer[DevChain], asset: str) -> list[int]:
    wanted = select(SpendRow.tx_id).where(SpendRow.asset == asset, SpendRow.kind == "payout")
    with payer.shop.gateway.db.read() as session:
        ids = [str(tx_id) for tx_id in session.scalars(wanted)]
    return _receipts(payer, ids)


def _receipts(payer: Payer[DevChain], ids: Sequence[str]) -> list[int]:
    receipts = (payer.chain.node.rpc.record("eth_getTransactionReceipt", each) for each in ids)
    return [int(str(each["gasUsed"]), 16) for each in receipts if each is not None]


def _token_transfer(payer: Payer[DevChain], source: str, to: str, amount: int) -> int:
    """Ask the node what a plain transfer takes."""
    data = call_data("transfer(address,uint256)", to, amount)
    transfer = {"from": source, "to": payer.chain.asset("USDT").token_address, "data": data}
    return payer.chain.node.rpc.number("eth_estimateGas", transfer)
