"""From the command to ready, and what the gateway's processes hold when nothing happens."""

import contextlib
import json
import os
import signal
import sqlite3
import sys
import time
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from bench.processes import Cost, costs_below
from bench.report import Figure, Scale
from bench.servers import folder, gateway_environment, running
from cloudpay.app.ports import free_port

_SETTLED_SECONDS = 11
"""Long enough for memory to settle, and for the supervisor to take the processes for healthy ones."""
_LOOKED_SECONDS = 10
_PATIENCE = 60
_WATCHED = ("evm", "bsc", "polygon")
_START, _DEMO, _IDLE = 5, 10, 400
"""What is wanted: seconds, seconds, megabytes."""
_NAMES = {
    "valkey": "valkey",
    "leash.py": "leash",
    "worker watch": "worker:watch",
    "worker events webhooks": "worker:events, worker:webhooks, scheduler",
    "worker send": "worker:send",
    "cli web": "web",
    "cli up": "supervisor",
}
"""By a part of the command line."""


def gateway_start(scale: Scale) -> list[Figure]:
    """Start `cloudpay up` over three running development chains, then let it idle."""
    from cloudpay_devnet.commands.demo_gateway import prepare, write_settings
    from cloudpay_devnet.fleet import Devnet

    with folder() as data, Devnet.start(_WATCHED, block_time=1.0) as devnet:
        port = free_port()
        settings_file = write_settings(data, devnet.networks, port=port, block_time=1.0)
        prepare(settings_file)
        began = time.perf_counter()
        command = [sys.executable, "-m", "cloudpay.cli", "up"]
        with running(command, lambda: is_ready(port), gateway_environment(settings_file)) as process:
            seconds = time.perf_counter() - began
            time.sleep(scale.of(_SETTLED_SECONDS, 0))
            costs = costs_below(process.pid)
            busy = _busy(process.pid, scale.of(_LOOKED_SECONDS, 2))
            away = _kill_watcher(data, costs)
    return [
        Figure(
            "`cloudpay up` until ready", seconds, "s", "three networks, SQLite, wallet there", at_most=_START
        ),
        Figure(
            "idle processor time", busy * 100, "% of a core", "a block a second on each of three networks"
        ),
        Figure(
            "a killed watcher's networks are watched again after", away, "s", "kill -9, all three networks"
        ),
        *_memory(costs),
    ]


def demo_start(_scale: Scale) -> list[Figure]:
    """Start `cloudpay demo` until it has written its file."""
    with folder() as data:
        command = [sys.executable, "-m", "cloudpay.cli", "demo", "--data-dir", str(data), "--port", "0"]
        began = time.perf_counter()
        with running(command, (data / "demo.json").exists) as process:
            seconds = time.perf_counter() - began
            cpu = sum(each.cpu for each in costs_below(process.pid))
    return [
        Figure(
            "`cloudpay demo` until demo.json",
            seconds,
            "s",
            "four chains, wallet and merchant made, SQLite",
            at_most=_DEMO,
        ),
        Figure("  processor time of all its processes until then", cpu, "s"),
    ]


def _busy(pid: int, seconds: float) -> float:
    """Answer the share of a core that the processes use while nobody asks for anything."""
    before, began = sum(each.cpu for each in costs_below(pid)), time.perf_counter()
    time.sleep(seconds)
    return (sum(each.cpu for each in costs_below(pid)) - before) / (time.perf_counter() - began)


def _kill_watcher(data: Path, costs: Iterable[Cost]) -> float:
    """Answer the seconds from `kill -9` until another process has taken over every network."""
    [watcher] = [each.pid for each in costs if _name(each.command) == "worker:watch"]
    before, began = _tokens(data), time.perf_counter()
    os.kill(watcher, signal.SIGKILL)
    while any(token <= before[name] for name, token in _tokens(data).items()):
        if time.perf_counter() - began > _PATIENCE:
            raise RuntimeError("nobody took the killed watcher's networks over")
        time.sleep(0.02)
    return time.perf_counter() - began


def _tokens(data: Path) -> dict[str, int]:
    """How often each network's watching has changed hands."""
    with contextlib.closing(sqlite3.connect(data / "cloudpay.db", timeout=5)) as database:
        return dict(database.execute("SELECT name, token FROM leases WHERE name LIKE 'watch:%'"))


def _memory(costs: Iterable[Cost]) -> list[Figure]:
    groups: dict[str, list[Cost]] = {}
    for cost in costs:
        groups.setdefault(_name(cost.command), []).append(cost)
    whole = [cost for group in groups.values() for cost in group]
    return [
        Figure(
            "idle memory, resident (RSS)",
            sum(each.rss for each in whole),
            "MB",
            "all processes, no node",
            at_most=_IDLE,
        ),
        Figure("idle memory, shared pages once (PSS)", sum(each.pss for each in whole), "MB"),
        Figure("processor time since the start", sum(each.cpu for each in whole), "s"),
        *(
            Figure(f"  {name}, resident", sum(each.rss for each in group), "MB", f"{len(group)} process(es)")
            for name, group in groups.items()
        ),
    ]


def _name(command: str) -> str:
    return next((name for mark, name in _NAMES.items() if mark in command), "other")


def is_ready(port: int) -> bool:
    """Say whether the gateway takes invoices on every network."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(json.load(answer)["status"] == "ready")
    except OSError:  # not there yet, or not ready (503)
        return False
