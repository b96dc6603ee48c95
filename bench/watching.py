"""Watching a real anvil: what a poll costs in RPC calls, and how fast blocks are caught up with."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from bench.report import Figure, Scale
from bench.servers import folder
from bench.shops import Shop, add_open_invoices, open_shop, write_settings
from cloudpay.kernel.leases import LeaseKeeper
from cloudpay.payments.health import verify
from cloudpay.payments.loop import LEASE_TTL
from cloudpay.payments.watcher import Watcher
from cloudpay_devnet.chain import DevChain
from cloudpay_evm.adapter import EvmAdapter

_STRANGER = "0x000000000000000000000000000000000000bEEF"
_MINED_AT_ONCE = 250
_TOKEN_CALLS, _BLOCKS = 3, 500
"""What is wanted: calls of a poll that watches tokens alone, and sparse blocks a second."""
_WAYS: dict[str, dict[str, Any]] = {
    "tokens alone": {"watch_native": False},
    "native coins by traces": {"watch_native": True, "traces": "on"},
    "native coins by balances": {"watch_native": True, "traces": "off"},
}
"""How a network may be watched, as its table says it."""


def calls(scale: Scale) -> list[Figure]:
    """Count RPC calls (each call of a batch) of a poll that finds one new block with a stranger's payment in it."""
    figures = []
    with DevChain.start("evm") as chain:
        for way, table in _WAYS.items():
            with _watched(chain, table) as (shop, watcher, adapter):
                symbol = "USDT" if way == "tokens alone" else "ETH"
                asset, there = watcher.network.asset(symbol), 0
                largest = scale.of(100_000, 1_000)
                for count in (0, 100, largest):
                    add_open_invoices(shop, asset, range(there, count))
                    there = count
                    chain.pay("USDT", _STRANGER, 1)
                    before, began = adapter.rpc_calls, time.process_time()
                    watcher.poll()
                    spent = (time.process_time() - began) * 1000
                    figures.append(
                        Figure(
                            f"{way}, {count:,} open invoices",
                            adapter.rpc_calls - before,
                            "calls",
                            f"{spent:.0f} ms of processor time for the poll",
                            at_most=_TOKEN_CALLS if symbol == "USDT" else None,
                        )
                    )
    return figures


def catch_up(scale: Scale) -> list[Figure]:
    """Read blocks without any transaction, mined while nobody looked."""
    blocks, figures = scale.of(2_000, 500), []
    # A node that mines by itself, if hardly ever, keeps few past states and so stays fast.
    with DevChain.start("evm", block_time=3600) as chain:
        for way in ("tokens alone", "native coins by balances"):
            with _watched(chain, _WAYS[way]) as (_shop, watcher, adapter):
                for _ in range(0, blocks, _MINED_AT_ONCE):
                    chain.node.mine(_MINED_AT_ONCE)
                calls_before, began = adapter.rpc_calls, time.perf_counter()
                read = 0
                while (found := watcher.poll()) > 0:
                    read += found
                seconds = time.perf_counter() - began
                how = f"{blocks:,} empty blocks, {adapter.rpc_calls - calls_before:,} RPC calls, SQLite"
                figures.append(Figure(f"{way}", blocks / seconds, "blocks/s", how, at_least=_BLOCKS))
    return figures


def chain_table(chain: DevChain, changes: dict[str, Any]) -> dict[str, Any]:
    """The settings of a network that is a development chain, with some of them changed."""
    network = chain.network
    assets: dict[str, Any] = dict.fromkeys(("USDC", "DAI", "WBTC"), False)
    for symbol, asset in network.assets.items():
        contract = {} if asset.token_address is None else {"contract": asset.token_address}
        assets[symbol] = {"decimals": asset.decimals, **contract}
    common = {
        "live": False,
        "chain_id": network.chain_id,
        "rpc_urls": [network.rpc_url],
        "finality": "depth",
        "confirmations": network.confirmations,
    }
    return {**common, **changes, "assets": assets}


@contextlib.contextmanager
def _watched(chain: DevChain, table: dict[str, Any]) -> Iterator[tuple[Shop, Watcher, EvmAdapter]]:
    """A gateway that has verified this chain and has read its head."""
    with (
        folder() as data,
        open_shop(write_settings(data, {"evm": chain_table(chain, table)})) as shop,
    ):
        gateway = shop.gateway
        adapter = gateway.chains.adapter("evm")
        if not isinstance(adapter, EvmAdapter):
            raise TypeError(f"the network evm is served by {type(adapter).__name__}")
        keeper = LeaseKeeper(gateway.db, gateway.clock, "watch:evm", "bench", LEASE_TTL)
        watcher = Watcher(gateway, gateway.chains.network("evm"), adapter, keeper)
        verify(gateway, watcher.network, adapter)
        watcher.poll()
        yield shop, watcher, adapter
