"""What may be wrong with an answer of a node; the watcher must see through each, or not be misled by it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from cloudpay.chains.adapter import Reading
from cloudpay.chains.types import BlockRef, Head, Header, Page, Transfer, TransferSource

Lie = Callable[[Page, int, Random], Page]


def of_another_fork(head: Head, rng: Random) -> Head:
    """A head that is far ahead, or whose final block is another one at a height that we have read."""
    ahead = rng.choice([0, 2, 20])
    latest = Header(
        head.latest.height + ahead, f"0xfork{head.latest.height}", "0xfork", head.latest.time + ahead
    )
    back = rng.choice([0, 1, 5])
    return replace(head, latest=latest, final=BlockRef(max(0, latest.height - back), "0xfinal-of-a-fork"))


def one_log(transfers: Sequence[Transfer], rng: Random) -> Transfer | None:
    """Choose a log to leave out: rather the first of two that are alike, which then take each other's number."""
    logs = [each for each in transfers if each.source is TransferSource.LOG]
    groups = [(each.tx_id, each.recipient, each.contract) for each in logs]
    twins = [log for log, group in zip(logs, groups, strict=True) if groups.count(group) > 1]
    chosen = twins[:1] if twins and rng.random() < 0.5 else logs
    return rng.choice(chosen) if chosen else None


def _cut(page: Page, _final: int, rng: Random) -> Page:
    return _only(page, page.headers[: rng.randint(0, len(page.headers))])


def _unlinked(page: Page, _final: int, rng: Random) -> Page:
    at = rng.randrange(len(page.headers))
    headers = list(page.headers)
    headers[at] = replace(headers[at], parent="0xno-parent")
    return replace(page, headers=tuple(headers))


def _twice(page: Page, _final: int, _rng: Random) -> Page:
    return replace(page, transfers=page.transfers * 2)


def _shuffled(page: Page, _final: int, rng: Random) -> Page:
    mixed = list(page.transfers)
    rng.shuffle(mixed)
    return replace(page, transfers=tuple(mixed))


def _foreign(page: Page, _final: int, rng: Random) -> Page:
    if not page.transfers:
        return page
    mixed: list[Transfer] = list(page.transfers)
    at = rng.randrange(len(mixed))
    mixed[at] = replace(mixed[at], block=BlockRef(mixed[at].block.height, "0xno-block"))
    return replace(page, transfers=tuple(mixed))


def _gap(page: Page, _final: int, rng: Random) -> Page:
    at = rng.randrange(len(page.headers))
    return _only(page, page.headers[:at] + page.headers[at + 1 :])


def _backwards(page: Page, _final: int, _rng: Random) -> Page:
    return replace(page, headers=page.headers[::-1])


def _sparse(page: Page, final: int, rng: Random) -> Page:
    """Leave out headers without transfers, as a range below the final block may: no lie."""
    return _loose(page, final, rng) if page.headers[-1].height <= final else page


def _loose(page: Page, _final: int, _rng: Random) -> Page:
    """Leave them out wherever the page lies: above the final block nothing links it then."""
    told = {each.block for each in page.transfers}
    kept = tuple(each for each in page.headers[:-1] if each.ref in told)
    return replace(page, headers=(*kept, page.headers[-1]), linked=False)


def _only(page: Page, headers: tuple[Header, ...]) -> Page:
    told = {each.ref for each in headers}
    return replace(
        page, headers=headers, transfers=tuple(each for each in page.transfers if each.block in told)
    )


PAGE_LIES: dict[str, Lie] = {
    "cut": _cut,
    "unlinked": _unlinked,
    "twice": _twice,
    "shuffled": _shuffled,
    "foreign": _foreign,
    "gap": _gap,
    "backwards": _backwards,
    "sparse": _sparse,
    "loose": _loose,
}
"""By name: each takes a page with headers, the true final height, and chance."""


def _again_foreign(reading: Reading, rng: Random) -> Reading:
    if not reading.transfers or rng.random() < 0.5:
        return replace(reading, last=replace(reading.last, hash="0xno-block"))
    other = [
        replace(each, block=BlockRef(each.block.height, "0xno-block")) for each in reading.transfers[-1:]
    ]
    return replace(reading, transfers=(*reading.transfers[:-1], *other))


def _again_beyond(reading: Reading, rng: Random) -> Reading:
    further = replace(reading.last, height=reading.last.height + rng.choice([1, 50]))
    return replace(reading, last=further)


def _again_shuffled(reading: Reading, rng: Random) -> Reading:
    mixed = [*reading.transfers, *reading.transfers[:1]]
    rng.shuffle(mixed)
    return replace(reading, transfers=tuple(mixed))


READING_LIES: dict[str, Callable[[Reading, Random], Reading]] = {
    "another fork's": _again_foreign,
    "too far": _again_beyond,
    "shuffled and twice": _again_shuffled,
}
"""By name: what may be wrong with a second reading beside what it leaves out."""
