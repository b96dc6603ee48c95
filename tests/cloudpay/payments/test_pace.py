"""When the next look is worth while."""

from typing import Any

import pytest

from cloudpay.chains.settings import NetworkSettings
from cloudpay.chains.types import Header
from cloudpay.payments.pace import Pace


class Chain:
    """A chain of regular blocks, and a watcher that looks when its pace says so."""

    def __init__(self, every: float, **settings: Any) -> None:
        self.every, self.now, self.looks = every, 0.0, 0
        self.late: list[float] = []
        self._height = -1
        self.pace = Pace(NetworkSettings(**settings), lambda: self.now)

    def watch(self, seconds: float) -> None:
        """Look for so long."""
        end = self.now + seconds
        while self.now < end:
            self.looks += 1
            height = int(self.now / self.every)
            if height > self._height:
                self.late.append(self.now - height * self.every)
            self._height = height
            self.pace.meet(
                Header(height, f"0x{height:x}", f"0x{height - 1:x}", 1_000 + int(height * self.every))
            )
            self.now += self.pace.wait()


@pytest.mark.parametrize(("every", "poll", "latest"), [(1.0, 3.0, 0.25), (2.0, 2.0, 0.5), (12.0, 4.0, 1.0)])
def test_a_block_is_met_soon_after_it_was_made_by_few_looks(every: float, poll: float, latest: float) -> None:
    chain = Chain(every, block_seconds=every, poll_seconds=poll)
    chain.watch(100 * every)
    assert max(chain.late[5:]) <= latest + 1e-6
    assert chain.looks <= 100 * (2 + every / poll), "a few looks for each block"


def test_a_network_that_makes_blocks_faster_than_its_settings_say_is_followed() -> None:
    chain = Chain(1.0, block_seconds=12.0, poll_seconds=4.0, notice_seconds=0.25)
    chain.watch(60)
    assert len(chain.late) > 50
    assert max(chain.late[-20:]) <= 0.25 + 1e-6


def test_without_blocks_it_is_looked_as_seldom_as_the_settings_say() -> None:
    chain = Chain(3600.0, block_seconds=2.0, poll_seconds=30.0)
    chain.watch(600)
    assert chain.looks <= 2 * 4 * 3 + 600 / 30, "after three block times nothing is due any more"


def test_looks_are_never_further_apart_than_the_settings_say() -> None:
    pace = Pace(NetworkSettings(block_seconds=12.0, poll_seconds=0.1), lambda: 0.0)
    assert pace.wait() == 0.1
    pace.meet(Header(1, "0x1", "0x0", 0))
    assert pace.wait() == 0.1
