"""Checks of `scan` as a walk over blocks: order, links, limits, one question a page."""

import random
from itertools import pairwise

import pytest

from cloudpay.chains.errors import NodeUnavailable, Unlinked
from cloudpay.chains.types import BlockRef, Page
from cloudpay.testing.conformance.tools import RecordingWatch, is_normalised, tip, walk
from cloudpay.testing.conformance.world import ChainWorld


class PageChecks:
    """What `scan` promises of blocks, and `header_at`."""

    def test_the_first_page_is_the_newest_block_alone(self, world: ChainWorld) -> None:
        tip(world)
        world.mine(2)
        page = world.adapter.scan(None, 50, RecordingWatch())
        assert page.headers == (world.adapter.head().latest,)

    def test_the_page_after_the_head_is_empty(self, world: ChainWorld) -> None:
        assert world.adapter.scan(tip(world), 50, RecordingWatch()).headers == ()

    def test_pages_are_linked_in_order_and_within_their_limit(self, world: ChainWorld) -> None:
        start = tip(world)
        world.mine(7)
        for limit in (1, 2, 3, 7, 50):
            page = world.adapter.scan(start, limit, RecordingWatch())
            assert page.headers, "blocks that were mined are missing"
            _hold_links(start, page, limit)

    def test_pages_of_any_limits_report_every_block_once(self, world: ChainWorld) -> None:
        start, ours = tip(world), world.new_address()
        sent = []
        for amount in range(1, 13):
            sent.append((world.send(ours, amount), amount))
            world.mine()
        for seed in range(5):
            limits = random.Random(seed).choices((1, 2, 3, 4, 5, 20), k=100)
            pages = walk(world.adapter, start, RecordingWatch(ours), limits)
            _hold_walk(start, pages)
            assert pages[-1].headers[-1] == world.adapter.head().latest, "the walk ended below the head"
            found = [(each.tx_id, each.amount) for page in pages for each in page.transfers]
            assert found == sent, f"limits {limits[: len(pages)]} lost or repeated a block"

    def test_final_ranges_report_every_block_once(self, world: ChainWorld) -> None:
        start, ours = tip(world), world.new_address()
        sent = []
        for amount in range(1, 8):
            sent.append((world.send(ours, amount), amount))
            world.mine()
        world.mine(world.blocks_to_finality)
        pages = walk(world.adapter, start, RecordingWatch(ours), [3] * 500)
        _hold_walk(start, pages)
        assert [(each.tx_id, each.amount) for page in pages for each in page.transfers] == sent

    def test_the_same_question_has_the_same_answer(self, world: ChainWorld) -> None:
        start, ours = tip(world), world.new_address()
        world.send(ours, 5)
        world.mine(3)
        first, second = (world.adapter.scan(start, 2, RecordingWatch(ours)) for _ in range(2))
        assert first == second, "the adapter remembers what it was asked before"

    def test_watch_is_asked_once_a_page_with_normalised_addresses(self, world: ChainWorld) -> None:
        start, ours, other = tip(world), world.new_address(), world.new_address()
        for address in (ours, other, ours):
            world.send(address, 5)
            world.mine()
        watch = RecordingWatch(ours)
        page = world.adapter.scan(start, 50, watch)
        assert len(page.headers) == 3 or not page.linked
        assert len(watch.calls) == 1, f"watch was asked {len(watch.calls)} times for one page"
        assert {ours, other} <= watch.calls[0], "watch was not asked about every recipient of the page"
        odd = [each for each in watch.calls[0] if not is_normalised(world.network.addresses, each)]
        assert not odd, f"watch was asked about addresses that are not normalised: {odd[:3]}"

    def test_a_replaced_block_is_unlinked(self, world: ChainWorld) -> None:
        tip(world)
        world.mine(3)
        replaced = world.adapter.head().latest.ref
        world.reorg(2)
        for _ in range(2):  # with the head no higher than the replaced block at first, then higher
            with pytest.raises(Unlinked) as raised:
                world.adapter.scan(replaced, 50, RecordingWatch())
            assert raised.value.after == replaced
            world.mine()

    def test_after_a_reorg_the_walk_goes_on_from_the_common_ancestor(self, world: ChainWorld) -> None:
        ancestor = tip(world)
        world.mine(3)
        before = walk(world.adapter, ancestor, RecordingWatch())
        world.reorg(3)
        world.mine()
        pages = walk(world.adapter, ancestor, RecordingWatch(), [2] * 100)
        _hold_walk(ancestor, pages)
        old = {header.hash for page in before for header in page.headers}
        assert not old & {header.hash for page in pages for header in page.headers}, (
            "a replaced block came back"
        )

    def test_header_at_answers_the_chain_that_scan_reads(self, world: ChainWorld) -> None:
        start = tip(world)
        world.mine(3)
        for page in walk(world.adapter, start, RecordingWatch()):
            for header in page.headers:
                assert world.adapter.header_at(header.height) == header
        with pytest.raises(NodeUnavailable):
            world.adapter.header_at(world.adapter.head().latest.height + 1000)


def _hold_walk(after: BlockRef, pages: list[Page]) -> None:
    for page in pages:
        _hold_links(after, page, limit=10_000)
        after = page.headers[-1].ref


def _hold_links(after: BlockRef, page: Page, limit: int) -> None:
    """Hold one page against the block that it was asked after."""
    heights = [header.height for header in page.headers]
    assert heights == sorted(set(heights)), f"headers out of order: {heights}"
    assert after.height < heights[0], f"block {heights[0]} was reported again after {after.height}"
    assert heights[-1] - after.height <= limit, f"{heights[-1] - after.height} blocks in a page of {limit}"
    refs = {header.ref for header in page.headers}
    lost = [transfer.block for transfer in page.transfers if transfer.block not in refs]
    assert not lost, f"transfers of blocks that are not in the page: {lost}"
    if page.linked:
        assert heights[0] == after.height + 1, f"block {after.height + 1} is missing"
        assert page.headers[0].parent == after.hash, "the first block is no child of `after`"
        for parent, child in pairwise(page.headers):
            assert child.height == parent.height + 1, f"block {parent.height + 1} is missing"
            assert child.parent == parent.hash, f"block {child.height} is no child of block {parent.height}"
            assert child.time >= parent.time, f"block {child.height} is older than its parent"
