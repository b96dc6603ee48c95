"""Energy and TRX of what is sent on TRON, beside a wallet's own transfer on the same node."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple, Self

from sqlalchemy import ColumnElement, select

from bench.grounds import TRON
from bench.latency import invoice
from bench.payers import Payer, paying
from bench.report import Figure, Scale
from bench.servers import wait_for
from bench.shops import random_address
from cloudpay.kernel.money import parse_amount
from cloudpay.transactions.models import SpendRow
from cloudpay_devnet.tron.network import TronChain
from cloudpay_devnet.tron.parameters import TRX, Parameters

_BYTE = Parameters().transaction_fee
_ALL_SWEPT, _LOOK_SECONDS = 600, 0.2
_DEPOSIT = 1_000
"""Whole tokens: worth their collecting."""
_ON_MAIN_NET = {"a holder": 64_285, "a new holder": 130_285}
"""Energy of main net's USDT, as those who lend energy publish it."""


class Charge(NamedTuple):
    """What the chain charged for a transaction: units of energy, bytes, and sun burned; `free` bytes cost nothing.

    A transaction that makes an account is charged for that in place of its bytes: it has no size here.
    """

    energy: int
    size: int
    free: int
    burned: int

    @classmethod
    def of(cls, receipt: Mapping[str, Any]) -> Self:
        """Read a receipt: bytes that were paid for are told by their price alone."""
        used = receipt["receipt"]
        free, burned = used.get("net_usage", 0), receipt.get("fee", 0)
        makes_account = burned > used.get("net_fee", 0) + used.get("energy_fee", 0)
        size = 0 if makes_account else free or used.get("net_fee", 0) // _BYTE
        return cls(used.get("energy_usage_total", 0), size, free, burned)

    @property
    def whole(self) -> int:
        """Sun that it costs whoever has no byte left that is free."""
        return self.burned + self.free * _BYTE


def energy(scale: Scale) -> list[Figure]:
    """Pay out to holders and to others, and read the receipts."""
    count = scale.of(5, 2)
    with paying(None, TRON) as payer:
        figures: list[Figure] = []
        for symbol, whose, is_known in (
            ("USDT", "a holder", True),
            ("USDT", "a new holder", False),
            ("TRX", "an account", True),
            ("TRX", "a new account", False),
        ):
            to = [random_address("tron") for _ in range(count)]
            for each in to if is_known else ():
                _wallets_own(payer, symbol, each)
            least = _wallets_own(payer, symbol, to[0] if is_known else random_address("tron"))
            payer.send_to(symbol, to)
            payer.settle()
            figures += _charged(symbol, whose, _payouts(payer, to), least)
    return figures


def swept(scale: Scale) -> list[Figure]:
    """Have token invoices paid, and read the receipts of their sweeps and of the top-ups for them."""
    count = scale.of(5, 2)
    with paying(None, TRON) as payer:
        chain, addresses = payer.chain, []
        for _ in range(count):
            option = invoice(
                payer.shop, "USDT", "https://shop.example.com/hook", _DEPOSIT, network="tron"
            ).option
            chain.wait_for(chain.pay("USDT", option.address, option.amount))
            addresses.append(option.address)
        wait_for(lambda: len(_kind(payer, "sweep")) >= count, "every sweep", _ALL_SWEPT, _LOOK_SECONDS)
        of = {kind: _kind(payer, kind) for kind in ("sweep", "top_up")}
        left = sum(chain.balance("TRX", each) for each in addresses) / count
    burned = {kind: sum(each.burned for each in charges) / count for kind, charges in of.items()}
    how = f"sweep {burned['sweep'] / TRX:.2f}, top-up {burned['top_up'] / TRX:.2f} each; {count} swept"
    used = sum(each.energy for each in of["sweep"]) / count
    return [
        Figure("energy of a swept USDT deposit", used, "energy", f"{len(of['top_up'])} top-ups took none"),
        Figure("TRX burned for it, its top-up with it", sum(burned.values()) / TRX, "TRX", how),
        Figure("TRX that stays at its address", left / TRX, "TRX", "what the top-up held for the worst case"),
    ]


def _wallets_own(payer: Payer[TronChain], symbol: str, address: str) -> Charge:
    """Have the devnet's wallet send what a payout does, and answer what it cost."""
    chain = payer.chain
    units = parse_amount(payer.ground.ones[symbol], chain.network.assets[symbol].decimals)
    return Charge.of(chain.wait_for(chain.pay(symbol, address, units)))


def _charged(symbol: str, whose: str, charges: Sequence[Charge], least: Charge) -> Iterator[Figure]:
    what = f"{symbol} payout to {whose}"
    if least.energy:
        used = [each.energy for each in charges]
        how = f"a wallet's own transfer: {least.energy:,}, on main net {_ON_MAIN_NET[whose]:,}; {len(used)} sent"
        yield Figure(f"energy of a {what}", fmean(used), "energy", how, at_most=least.energy)
    burned = [each.burned / TRX for each in charges]
    size = fmean(each.size for each in charges)
    how = f"a wallet's own transfer: {least.whole / TRX:.3f}; {len(burned)} sent"
    how += f", {size:.0f} bytes" if size else ", the account in place of bytes"
    yield Figure(f"TRX burned for a {what}", fmean(burned), "TRX", how, at_most=least.whole / TRX)


def _payouts(payer: Payer[TronChain], to: Sequence[str]) -> list[Charge]:
    return _charges(payer, SpendRow.kind == "payout", SpendRow.recipient.in_(to))


def _kind(payer: Payer[TronChain], kind: str) -> list[Charge]:
    return _charges(payer, SpendRow.kind == kind)


def _charges(payer: Payer[TronChain], *which: ColumnElement[bool]) -> list[Charge]:
    wanted = select(SpendRow.tx_id).where(SpendRow.status == "confirmed", *which)
    with payer.shop.gateway.db.read() as session:
        ids = [str(tx_id) for tx_id in session.scalars(wanted)]
    return [Charge.of(receipt) for each in ids if (receipt := payer.chain.receipt(each)) is not None]
