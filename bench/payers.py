"""A whole gateway that pays out from a funded master wallet, its processes one by one: what each costs is known."""

import contextlib
import http.client
import json
import secrets
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

from sqlalchemy import func, select

from bench.grounds import ChainT, Ground
from bench.processes import costs_below, peak_below, reset_peak_below
from bench.servers import folder, gateway_environment, running, wait_for
from bench.shops import Shop, database, open_shop, random_address, write_settings
from bench.starting import is_ready
from bench.watching import chain_table
from cloudpay.app import valkey
from cloudpay.app.ports import free_port
from cloudpay.ledger.outgoing import available
from cloudpay.payouts.models import PayoutRow
from cloudpay.transactions.errors import QuotesMissing
from cloudpay.transactions.service import fee_quotes, want_quotes
from cloudpay.wallets.masters import master_wallet
from cloudpay_devnet.chains import LocalChain
from cloudpay_devnet.faultproxy.faults.answers import Latency
from cloudpay_devnet.faultproxy.proxy import FaultProxy

_LOOK_SECONDS = 0.02
_PATIENCE = 300.0
_WORKERS = {
    "watch": ("worker", "watch"),
    "send": ("worker", "send"),
    "events": ("worker", "events", "webhooks", "--schedule"),
}


@dataclass(frozen=True)
class Sent:
    """One bulk: seconds from the POST until its answer, and until the node had all of it; what it cost meanwhile."""

    accepted: float
    broadcast: float
    cpu: Mapping[str, float]
    peaks: Mapping[str, float]


@dataclass(frozen=True)
class Payer(Generic[ChainT]):
    """A running gateway; `proxy` is what its sender sees of the node, where it does not see it directly."""

    ground: Ground[ChainT]
    shop: Shop
    chain: ChainT
    port: int
    master: str
    pids: Mapping[str, int]
    proxy: FaultProxy | None

    def send(self, symbol: str, count: int) -> Sent:
        """Pay addresses that the chain has never seen, as `send_to` does."""
        family = self.chain.network.family
        return self.send_to(symbol, [random_address(family) for _ in range(count)])

    def send_to(self, symbol: str, addresses: Sequence[str]) -> Sent:
        """Post a bulk over the socket, and wait until the node has taken every item of it in."""
        before, goal = self._cpu(), self._known() + len(addresses)
        body = _bulk(self.chain.network.name, symbol, self.ground.ones[symbol], addresses)
        for pid in self.pids.values():
            reset_peak_below(pid)
        began = time.perf_counter()
        self._post(body)
        accepted = time.perf_counter() - began
        wait_for(lambda: self._known() >= goal, "broadcast", _PATIENCE, _LOOK_SECONDS)
        seconds = time.perf_counter() - began
        cpu = {who: spent - before[who] for who, spent in self._cpu().items()}
        peaks = {who: peak_below(pid) for who, pid in self.pids.items()}
        return Sent(accepted, seconds, cpu, peaks)

    def settle(self) -> None:
        """Wait until every payout is confirmed."""
        wait_for(lambda: self._unconfirmed() == 0, "confirmation", _PATIENCE, 10 * _LOOK_SECONDS)

    def knows_prices(self) -> bool:
        """Say whether the sender has told what sending costs; asks it to."""
        with self.shop.gateway.db.transaction() as session:
            network = self.chain.network.name
            want_quotes(session, self.shop.gateway, network)
            try:
                return bool(fee_quotes(session, network))
            except QuotesMissing:
                return False

    def _post(self, body: bytes) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)
        connection.request("POST", "/api/user/payouts/bulk/api", body, self.shop.headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status != http.client.CREATED:
            raise RuntimeError(text.decode())

    def _known(self) -> int:
        return self.ground.taken(self.chain, self.shop, self.master)

    def _unconfirmed(self) -> int:
        wanted = select(func.count()).where(PayoutRow.status != "confirmed")
        return self.shop.gateway.db.ask(lambda connection: connection.scalar(wanted)) or 0

    def _cpu(self) -> dict[str, float]:
        return {who: sum(each.cpu for each in costs_below(pid)) for who, pid in self.pids.items()}


@contextlib.contextmanager
def paying(
    server: str | None, ground: Ground[ChainT], *, slower: float | None = None
) -> Iterator[Payer[ChainT]]:
    """Run a gateway whose sender has paid out before; with `slower` each of its requests takes so much longer."""
    with (
        folder() as data,
        database(server) as url,
        contextlib.ExitStack() as stack,
    ):
        chain = ground.start()
        stack.callback(chain.stop)
        proxy = None
        if slower is not None:
            proxy = stack.enter_context(FaultProxy(chain.network.rpc_url))
            proxy.switch_on(Latency(slower))
        port = free_port()
        settings_file = write_settings(
            data,
            {chain.network.name: chain_table(chain, ground.table)},
            database_url=url,
            web={"port": port},
            rates={"fixed": ground.prices},
            sweeps={"every_seconds": 1},
        )
        shop = stack.enter_context(open_shop(settings_file))
        seen = {}
        if proxy is not None:
            seen[f"CLOUDPAY_NETWORKS__{chain.network.name.upper()}__RPC_URLS"] = proxy.url
        pids = _start(stack, data, settings_file, port, seen)
        payer = Payer(ground, shop, chain, port, _fund(ground, shop, chain), pids, proxy)
        wait_for(payer.knows_prices, "what sending costs", _PATIENCE, _LOOK_SECONDS)
        for symbol in ground.ones:
            payer.send(symbol, 1)
        payer.settle()
        yield payer


def _start(
    stack: contextlib.ExitStack, data: Path, settings_file: Path, port: int, seen: Mapping[str, str]
) -> dict[str, int]:
    """Start what `cloudpay up` starts; `seen` is what only the sender is told."""
    server = valkey.plan(data)
    path = Path(server.url.removeprefix("unix://"))
    stack.enter_context(running(server.command, path.exists))
    usual = gateway_environment(settings_file, CLOUDPAY_REDIS_URL=server.url, CLOUDPAY_LOG__LEVEL="warning")
    pids = {}
    for name, words in _WORKERS.items():
        log = stack.enter_context((data / f"{name}.log").open("wb"))
        environment = {**usual, **(seen if name == "send" else {})}
        pids[name] = stack.enter_context(running(_cloudpay(*words), lambda: True, environment, log)).pid
    log = stack.enter_context((data / "web.log").open("wb"))
    pids["web"] = stack.enter_context(running(_cloudpay("web"), lambda: True, usual, log)).pid
    wait_for(lambda: is_ready(port), "the gateway", _PATIENCE, _LOOK_SECONDS)
    return pids


def _fund(ground: Ground[ChainT], shop: Shop, chain: LocalChain) -> str:
    """Send money to the master wallet, wait until it is booked, and answer the address."""
    network = shop.gateway.chains.network(chain.network.name)
    master = master_wallet(shop.gateway, network, shop.merchant_id).address
    for symbol, units in ground.funds.items():
        chain.fund(master, symbol, units)

    def booked() -> bool:
        with shop.gateway.db.read() as session:
            return all(
                available(session, shop.merchant_id, False, network.code, network.asset(symbol).key)
                for symbol in ground.funds
            )

    wait_for(booked, "the money", _PATIENCE, _LOOK_SECONDS)
    return master


def _bulk(network: str, symbol: str, amount: str, addresses: Sequence[str]) -> bytes:
    items = [{"id": secrets.token_hex(12), "address": each, "amount": amount} for each in addresses]
    return json.dumps({"auto_confirm": True, "network": network, "currency": symbol, "items": items}).encode()


def _cloudpay(*words: str) -> list[str]:
    return [sys.executable, "-m", "cloudpay.cli", *words]
