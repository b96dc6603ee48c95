"""The search for the block at which a chain was reorganised."""

from math import log2

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudpay.chains.types import BlockRef
from cloudpay.payments.forks import newest_held


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(st.integers(0, 5_000), max_size=300), st.integers(-1, 5_000))
def test_the_newest_block_that_the_chain_holds_is_found_with_few_questions(
    heights: set[int], fork: int
) -> None:
    blocks = [BlockRef(height, f"0x{height}") for height in sorted(heights, reverse=True)]
    asked: list[int] = []

    def holds(block: BlockRef) -> bool:
        asked.append(block.height)
        return block.height <= fork

    found = newest_held(blocks, holds)
    assert found == next((each for each in blocks if each.height <= fork), None)
    depth = sum(height > fork for height in heights)
    assert len(asked) <= 2 * log2(depth + 2) + 2
