"""How the size of ranges is learned."""

from cloudpay.chains.nodes.ranges import RangeSizes


def test_a_refused_size_is_halved_for_that_node_alone_and_never_below_one() -> None:
    sizes = RangeSizes(100)
    assert [sizes.refused("a", size) for size in (100, 50, 3, 1)] == [50, 25, 1, 1]
    assert (sizes.of("a"), sizes.of("b")) == (1, 100)


def test_a_larger_size_is_tried_after_many_that_worked_and_never_beyond_the_first() -> None:
    sizes = RangeSizes(100)
    sizes.refused("a", 100)
    for _ in range(15):
        sizes.worked("a")
    assert sizes.of("a") == 50
    for _ in range(100):
        sizes.worked("a")
    assert sizes.of("a") == 100
