"""Watching a real node: what a poll costs in RPC calls, and how fast blocks are caught up with."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bench.report import Figure, Scale
from bench.servers import folder
from bench.shops import Shop, add_open_invoices, open_shop, random_address, write_settings
from cloudpay.kernel.leases import LeaseKeeper
from cloudpay.payments.health import verify
from cloudpay.payments.loop import LEASE_TTL
from cloudpay.payments.watcher import Watcher
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.chains import LocalChain
from cloudpay_devnet.tron.network import TronChain
from cloudpay_evm.adapter import EvmAdapter
from cloudpay_tron.adapter import TronAdapter

_MINED_AT_ONCE = 250
_TOKEN_CALLS, _BLOCKS = 3, 500
"""What is wanted: calls of a poll that watches tokens alone, and sparse blocks a second."""
_ON_MAIN_NETS = ("USDC", "DAI", "WBTC", "USDD")
"""What a development chain does not have of the shipped assets."""


class Way(NamedTuple):
    """How a network may be watched, as its table says it; `symbol` is what the open invoices wait for."""

    symbol: str
    table: Mapping[str, Any]
    goal: int | None = None


_WAYS = {
    "tokens alone": Way("USDT", {"watch_native": False}, _TOKEN_CALLS),
    "native coins by traces": Way("ETH", {"watch_native": True, "traces": "on"}),
    "native coins by balances": Way("ETH", {"watch_native": True, "traces": "off"}),
}
_TRON_WAYS = {
    "TRON, tokens": Way("USDT", {}),
    "TRON, TRX by internal transactions": Way("TRX", {"internal_transfers": True}),
    "TRON, TRX by balances": Way("TRX", {"internal_transfers": False}),
}


def calls(scale: Scale) -> list[Figure]:
    """Count RPC calls (each call of a batch) of a poll that finds one new block with a stranger's payment in it."""
    with DevChain.start("evm") as chain:
        return _calls(scale, chain, _WAYS)


def calls_tron(scale: Scale) -> list[Figure]:
    """The same on TRON, whose nodes take no batches."""
    with TronChain.start() as chain:
        return _calls(scale, chain, _TRON_WAYS)


def _calls(scale: Scale, chain: LocalChain, ways: Mapping[str, Way]) -> list[Figure]:
    figures = []
    for name, way in ways.items():
        with _watched(chain, way.table) as (shop, watcher, adapter):
            asset, there = watcher.network.asset(way.symbol), 0
            for count in (0, 100, scale.of(100_000, 1_000)):
                add_open_invoices(shop, asset, range(there, count))
                there = count
                chain.pay("USDT", random_address(chain.network.family), 1)
                before, began = adapter.rpc_calls, time.process_time()
                watcher.poll()
                spent = (time.process_time() - began) * 1000
                how = f"{spent:.0f} ms of processor time for the poll"
                asked = adapter.rpc_calls - before
                figures.append(
                    Figure(f"{name}, {count:,} open invoices", asked, "calls", how, at_most=way.goal)
                )
            before = adapter.rpc_calls
            watcher.poll()
            asked = adapter.rpc_calls - before
            figures.append(Figure(f"  {name}, {count:,} open invoices, no block since", asked, "calls"))
    return figures


def catch_up(scale: Scale) -> list[Figure]:
    """Read blocks without any transaction, mined while nobody looked."""
    blocks, figures = scale.of(2_000, 500), []
    # A node that mines by itself, if hardly ever, keeps few past states and so stays fast.
    with DevChain.start("evm", block_time=3600) as chain:
        for way in ("tokens alone", "native coins by balances"):
            with _watched(chain, _WAYS[way].table) as (_shop, watcher, adapter):
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


def chain_table(chain: LocalChain, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a network that is a development chain, with some of them changed."""
    network = chain.network
    assets: dict[str, Any] = dict.fromkeys(_ON_MAIN_NETS, False)
    for symbol, asset in network.assets.items():
        contract = {} if asset.token_address is None else {"contract": asset.token_address}
        assets[symbol] = {"decimals": asset.decimals, **contract}
    common = {
        "live": False,
        **network.settings,
        "rpc_urls": [network.rpc_url],
        "confirmations": network.confirmations,
    }
    return {**common, **changes, "assets": assets}


@contextlib.contextmanager
def _watched(
    chain: LocalChain, table: Mapping[str, Any]
) -> Iterator[tuple[Shop, Watcher, EvmAdapter | TronAdapter]]:
    """A gateway that has verified this chain, and has read on until the first block that it read was final."""
    name = chain.network.name
    with (
        folder() as data,
        open_shop(write_settings(data, {name: chain_table(chain, table)})) as shop,
    ):
        gateway = shop.gateway
        adapter = gateway.chains.adapter(name)
        if not isinstance(adapter, EvmAdapter | TronAdapter):
            raise TypeError(f"the network {name} is served by {type(adapter).__name__}")
        keeper = LeaseKeeper(gateway.db, gateway.clock, f"watch:{name}", "bench", LEASE_TTL)
        watcher = Watcher(gateway, gateway.chains.network(name), adapter, keeper)
        verify(gateway, watcher.network, adapter)
        watcher.poll()
        chain.node.mine(chain.network.confirmations + 1)
        watcher.poll()
        yield shop, watcher, adapter
