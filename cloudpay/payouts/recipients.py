"""Who may not be paid: addresses of this gateway, where the money would come back as somebody's income."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy.orm import Session

from cloudpay.payouts.resolution import Problems, Resolved
from cloudpay.wallets.service import ours

_OURS = "It is an address of this gateway itself. Money moves between its own wallets by itself: name another one."


def refuse_our_own(session: Session, resolved: Sequence[Resolved], problems: Problems) -> None:
    """Raise `PayoutsRefused` when an item goes to any address of this gateway (fault F66)."""
    families: dict[str, set[str]] = defaultdict(set)
    for each in resolved:
        families[each.network.key_family.name].add(each.address)
    own = {
        (family, address)
        for family, addresses in families.items()
        for address in ours(session, family, addresses)
    }
    for number, each in enumerate(resolved):
        if (each.network.key_family.name, each.address) in own:
            problems.add(number, "address", _OURS)
    problems.refuse()
