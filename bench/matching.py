"""A page of a watched chain against the addresses that are ours: one query, however many there are."""

import secrets
import time

from sqlalchemy import select

from bench.report import Figure, Scale
from bench.servers import folder
from bench.serving import NETWORK
from bench.shops import Shop, add_open_invoices, open_shop, write_settings
from cloudpay.wallets.models import DepositAddressRow
from cloudpay.wallets.service import ours

_ON_A_PAGE = 2_000
_OURS_ON_A_PAGE = 20


def matching(scale: Scale) -> list[Figure]:
    """Match pages of 2,000 addresses with ever more of ours in the table."""
    figures, there = [], 0
    with folder() as data, open_shop(write_settings(data, {"evm": NETWORK})) as shop:
        for count in (1_000, scale.of(50_000, 5_000)):
            add_open_invoices(shop, shop.gateway.chains.find_asset("USDT", "evm"), range(there, count))
            there = count
            milliseconds = _match(shop, scale.of(50, 10)) * 1000
            figures.append(
                Figure(f"{_ON_A_PAGE:,} addresses, {count:,} of ours", milliseconds, "ms a page", "SQLite")
            )
    return figures


def _match(shop: Shop, times: int) -> float:
    with shop.gateway.db.read() as session:
        mine = list(session.scalars(select(DepositAddressRow.address).limit(_OURS_ON_A_PAGE)))
    page = mine + ["0x" + secrets.token_hex(20) for _ in range(_ON_A_PAGE - len(mine))]
    began = time.perf_counter()
    for _ in range(times):
        with shop.gateway.db.read() as session:
            if ours(session, "evm", page) != frozenset(mine):
                raise RuntimeError("the query did not find exactly what is ours")
    return (time.perf_counter() - began) / times
