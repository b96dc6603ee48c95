"""A network that fell behind says how far it has come, and holds up no other."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.types import BlockRef, Page, Watch
from cloudpay.kernel.failpoints import Failpoint, arm, disarm
from cloudpay.payments.loop import WatchLoop
from cloudpay.payments.networks import network_views
from cloudpay.payments.progress import percent
from cloudpay.payments.views import NetworkView
from cloudpay.testing import FakePlugin, FixedClock
from tests.cloudpay.payments.looping import LIMIT, eventually, view
from tests.cloudpay.shop import Shop


@pytest.fixture
def seen(open_shop_with: Callable[..., Shop]) -> Iterator[tuple[Shop, list[NetworkView]]]:
    """A shop that reads ten blocks a page, and what was shown of its network after each commit of a page."""
    shop = open_shop_with("evm", scan_limit=10)
    views: list[NetworkView] = []
    arm(Failpoint.PAGE_COMMITTED, lambda: views.append(view(shop.gateway)), again=True)
    yield shop, views
    disarm()


def test_f45_each_page_of_a_catch_up_is_told_with_its_range_and_its_percent(
    seen: tuple[Shop, list[NetworkView]],
) -> None:
    shop, views = seen
    first = shop.chain.height
    shop.chain.mine(50)
    shop.look()
    told = [each.catching_up for each in views]
    assert told[-1] is None
    assert [(each.first, each.last, each.percent) for each in told if each] == [
        (first, first + 50, 20),
        (first, first + 50, 40),
        (first, first + 50, 60),
        (first, first + 50, 80),
    ]
    assert [each.lag for each in views] == [40, 30, 20, 10, 0]


def test_f45_the_end_is_told_from_how_fast_it_goes(
    seen: tuple[Shop, list[NetworkView]], clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, views = seen
    passed = iter(range(0, 10_000, 5))  # five seconds from one page to the next
    monkeypatch.setattr(shop.watcher._progress, "_monotonic", lambda: float(next(passed)))
    now = clock.now(None)  # type: ignore[arg-type]  # it stands still
    shop.chain.mine(30)
    shop.look()
    done = [each.catching_up.done_at for each in views if each.catching_up]
    assert done[0] is None, "one page is no pace"
    assert done[1] is not None
    assert now < done[1] <= now + timedelta(seconds=60)


def test_a_few_new_blocks_are_no_catch_up(seen: tuple[Shop, list[NetworkView]]) -> None:
    shop, views = seen
    shop.chain.mine(9)
    shop.look()
    assert [each.catching_up for each in views] == [None]


def test_f45_a_catch_up_that_a_new_process_goes_on_with_keeps_its_beginning(
    seen: tuple[Shop, list[NetworkView]], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, views = seen
    first = shop.chain.height
    shop.chain.mine(50)

    def die() -> None:
        raise KeyboardInterrupt

    arm(Failpoint.PAGE_COMMITTED, die, first=2)
    with pytest.raises(KeyboardInterrupt):
        shop.look()
    shop.watcher.__post_init__()  # what was in memory is gone
    arm(Failpoint.PAGE_COMMITTED, lambda: views.append(view(shop.gateway)), again=True)
    shop.look()
    assert views[0].catching_up is not None
    assert (views[0].catching_up.first, views[0].catching_up.percent) == (first, 60)


@pytest.mark.parametrize(
    ("at", "expected"), [(100, 0), (149, 49), (199, 99), (200, 100), (90, 0), (300, 100)]
)
def test_percent_is_whole_and_a_hundred_only_when_all_is_done(at: int, expected: int) -> None:
    assert percent(100, at, 200) == expected


def test_a_network_near_its_head_does_not_wait_for_one_that_catches_up(
    gateway: Gateway, fakes: FakePlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind, near = fakes.chains["evm"], fakes.chains["fake2"]
    reading, go_on = threading.Event(), threading.Event()
    scan = behind.scan

    def slow(after: BlockRef | None, limit: int, watch: Watch) -> Page:
        reading.set()
        assert go_on.wait(LIMIT)
        return scan(after, limit, watch)

    stop = threading.Event()
    wakes = [threading.Event(), threading.Event()]
    loops = [WatchLoop(gateway, gateway.chains.network(code)) for code in ("evm", "fake2")]
    threads = [
        threading.Thread(target=loop.run, args=(stop, wake), daemon=True)
        for loop, wake in zip(loops, wakes, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        eventually(
            lambda: {each.status.value for each in network_views(gateway)} == {"active"}, "both are read"
        )
        monkeypatch.setattr(behind, "scan", slow)
        behind.mine(500)
        assert reading.wait(LIMIT)
        for _ in range(3):
            near.mine()
            eventually(lambda: view(gateway, "fake2").cursor == near.height, "the other network reads on")
        assert view(gateway).cursor != behind.height
    finally:
        go_on.set()
        stop.set()
        for wake in wakes:
            wake.set()
        for thread in threads:
            thread.join(LIMIT)
