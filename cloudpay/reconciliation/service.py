"""Hold the ledger of a network against its chain, at one block up to which everything is known."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from cloudpay.chains.errors import NodeUnavailable, Unlinked
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import BlockRef, Holding
from cloudpay.kernel.errors import ConfigurationError
from cloudpay.kernel.log import get_logger
from cloudpay.ledger.pots import Pot
from cloudpay.payments.points import points
from cloudpay.reconciliation.books import Books, read_books
from cloudpay.reconciliation.compare import Comparison, compare
from cloudpay.reconciliation.errors import NotComparable
from cloudpay.transactions.unbooked import included
from cloudpay.wallets.lying import Told, lying_at

_LOOKS = 3
"""Looks at what differs, at most: what two in a row have shown alike stands, and else what the last one shows."""
_TRIES = 3
_PAUSE_SECONDS = 1.0

_log = get_logger(__name__)


@dataclass(frozen=True)
class Reconciliation:
    """The ledger of one network beside its chain at a block.

    `note` says why that is not the block up to which all is booked; empty as a rule.
    """

    network: str
    height: int
    pots: Sequence[Comparison]
    note: str = ""

    @property
    def drifts(self) -> Sequence[Comparison]:
        """Answer the pots with a drift."""
        return [each for each in self.pots if each.drift]


@dataclass(frozen=True)
class Patience:
    """How a reconciliation waits: `pause` between two looks, `told` after each chunk of balances."""

    pause: Callable[[], None] = lambda: time.sleep(_PAUSE_SECONDS)
    told: Told = lambda _part, _whole: None


def reconcile(gateway: Gateway, code: str, patience: Patience | None = None) -> Reconciliation:
    """Compare all pots of a network; what differs is looked at again, before it is said to.

    Changes nothing. Raises `UnknownNetwork` and `NotComparable`.
    """
    network, waits = gateway.chains.network(code), patience or Patience()
    try:
        gateway.chains.adapter(network.code).verify()
        found = _look(gateway, network, waits)
        for _ in range(_LOOKS - 1):
            if not found.drifts:
                break
            waits.pause()
            again = _look(gateway, network, waits, {each.pot for each in found.drifts})
            lasting = again.drifts == found.drifts
            found = _merge(found, again)
            if lasting:
                break
    except (NodeUnavailable, Unlinked, ConfigurationError) as error:
        raise NotComparable(network.code, error.message) from error
    return found


def agrees(gateway: Gateway, code: str) -> bool:
    """Say whether the ledger of a network agrees with its chain to the base unit; raises `NotComparable`."""
    return not reconcile(gateway, code).drifts


def _look(
    gateway: Gateway, network: Network, waits: Patience, only: Collection[Pot] | None = None
) -> Reconciliation:
    """Compare once; a reorganisation or a watcher that is behind is waited for, a little."""
    reason = ""
    for attempt in range(_TRIES):
        if attempt:
            waits.pause()
        note, blocks = "", points(gateway, network)
        reason = (
            "its final block has not been read yet; is `cloudpay worker watch` running?" if not blocks else ""
        )
        for block in blocks:
            try:
                found = _at(gateway, network, block, waits, only)
            except (NodeUnavailable, Unlinked) as error:
                reason = error.message
                note = (
                    f"At block {block.height}, up to which all is booked, nothing could be learnt: {reason}"
                )
                _log.warning("not_comparable_at", network=network.code, height=block.height, reason=reason)
                continue
            if found is not None:
                return replace(found, note=note)
            reason = "the chain was reorganised meanwhile."
    raise NotComparable(network.code, reason)


def _at(
    gateway: Gateway, network: Network, block: BlockRef, waits: Patience, only: Collection[Pot] | None
) -> Reconciliation | None:
    """Read the books at one moment, then ask the chain about a block that is final: it cannot change meanwhile."""
    books = read_books(gateway, network, block)
    if books is None:
        return None
    lying = _lying(gateway, network, block, waits.told, books, only)
    changes = [*books.changes, *included(gateway, network.code, books.waiting, block.height)]
    pots = compare(books.ledger, changes, lying)
    asked = [each for each in pots if only is None or each.pot in only]
    return Reconciliation(network.code, block.height, asked)


def _lying(
    gateway: Gateway,
    network: Network,
    block: BlockRef,
    told: Told,
    books: Books,
    only: Collection[Pot] | None,
) -> Mapping[Pot, int]:
    pots = {pot: held for pot, held in books.holdings.items() if only is None or pot in only}
    found = lying_at(gateway, network.code, list(_once(pots.values())), block, told)
    return {pot: sum(found[each] for each in held) for pot, held in pots.items()}


def _once(holdings: Iterable[Sequence[Holding]]) -> Iterable[Holding]:
    return dict.fromkeys(chain.from_iterable(holdings))


def _merge(before: Reconciliation, again: Reconciliation) -> Reconciliation:
    """Put what was looked at again in the place of what was seen of it first."""
    new = {each.pot: each for each in again.pots}
    return replace(again, pots=[new.get(each.pot, each) for each in before.pots])
