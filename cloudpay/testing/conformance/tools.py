"""What the checks share: a watch that remembers, a walk over pages, a bounded wait."""

import time
from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

import pytest

from cloudpay.chains.adapter import Addresses, ChainAdapter
from cloudpay.chains.network import Asset
from cloudpay.chains.types import BlockRef, Capability, Page, Transfer
from cloudpay.kernel.db import Database
from cloudpay.testing.conformance.world import ChainWorld

Answer = TypeVar("Answer")
_PAGES = 200
_PATIENCE = 30.0


class RecordingWatch:
    """A `Watch` that knows which addresses are ours and remembers what it was asked."""

    def __init__(self, *ours: str) -> None:
        self.ours = frozenset(ours)
        self.calls: list[frozenset[str]] = []

    def __call__(self, addresses: Collection[str]) -> frozenset[str]:
        self.calls.append(frozenset(addresses))
        return self.ours & self.calls[-1]


def tip(world: ChainWorld) -> BlockRef:
    """Mine a block and answer it: where a check starts from."""
    world.mine()
    return world.adapter.head().latest.ref


def walk(
    adapter: ChainAdapter, after: BlockRef, watch: RecordingWatch, limits: Iterable[int] = (50,) * _PAGES
) -> list[Page]:
    """Read page by page until the empty one, with the next of `limits` each time."""
    pages: list[Page] = []
    for limit in limits:
        page = adapter.scan(after, limit, watch)
        if not page.headers:
            assert not page.transfers, "an empty page has transfers"
            return pages
        pages.append(page)
        after = page.headers[-1].ref
    raise AssertionError(f"scan did not come to the head within {len(pages)} pages")


def transfers_to(world: ChainWorld, after: BlockRef, *ours: str) -> list[Transfer]:
    """Every transfer that the adapter reports for these addresses from `after` to the head."""
    pages = walk(world.adapter, after, RecordingWatch(*ours))
    return [transfer for page in pages for transfer in page.transfers]


def listed_token(world: ChainWorld) -> Asset:
    """The world's token; skips the check on a chain that has no tokens."""
    if Capability.TOKENS not in world.adapter.capabilities:
        pytest.skip("this chain has no tokens")
    assert world.token is not None, "a world of a chain with TOKENS needs a token"
    return world.token


def contract_of(asset: Asset) -> str:
    """The contract of a token."""
    assert asset.contract is not None, f"{asset.symbol} has no contract"
    return asset.contract


def is_normalised(addresses: Addresses, text: str) -> bool:
    """Say whether this is what `parse` would make of it."""
    return addresses.parse(text) == text


def eventually(ask: Callable[[], Answer], passing: type[Exception]) -> Answer:
    """Answer what `ask` does, tried again while it raises `passing`, for half a minute at most."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return ask()
        except passing:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def hold_refused_inside_a_transaction(calls: Iterable[Callable[[], object]]) -> None:
    """Hold that each call raises inside a database transaction: a slow node would hold its rows."""
    database = Database("sqlite://")
    try:
        with database.transaction():
            for call in calls:
                with pytest.raises(RuntimeError, match="inside a database transaction"):
                    call()
    finally:
        database.close()
