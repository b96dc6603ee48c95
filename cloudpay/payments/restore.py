"""Restore a wallet and find its money: what is written, and what the chains tell, in the order that is safe."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.types import DEPOSIT_CHAIN
from cloudpay.kernel.secrets import SealKey
from cloudpay.merchants.service import MerchantView
from cloudpay.payments.balances import watch_restored
from cloudpay.payments.openings import Found, look, mark_openings, open_network
from cloudpay.wallets.backups import Branch, Contents, branches
from cloudpay.wallets.gas import make_gas_wallets
from cloudpay.wallets.masters import make_masters
from cloudpay.wallets.restoring import Restored, put_addresses, restore_wallet
from cloudpay.wallets.restoring_accounts import find_accounts, keep_accounts, reserve_ahead
from cloudpay.wallets.service import deposits

AHEAD = 1_000
"""Addresses beyond the last known one that are looked at, and watched from now on: some were used since the backup."""

Tell = Callable[[str], None]
"""Told what is being done, in a few words."""


@dataclass(frozen=True)
class Report:
    """How a restore ended: what came back, what lies where, and the networks whose books begin with that.

    `late` are the merchants that were made for accounts that the backup does not know and that were used;
    `first_free` is the account that the next merchant gets at the earliest.
    """

    restored: Restored
    found: Sequence[Found]
    opened: Sequence[str]
    late: Sequence[MerchantView]
    first_free: int


def restore(
    gateway: Gateway, seal_key: SealKey, contents: Contents, *, actor: str, ahead: int = AHEAD, tell: Tell
) -> Report:
    """Restore a backup, watch every address that may be in use, and book what lies there where nothing was booked yet.

    Run again after a failure, it goes on where it ended. Raises `NodeUnavailable`, before anything is written where a
    network's nodes are away, and what `restore_wallet` and `open_network` raise.
    """
    for network in gateway.chains:
        tell(f"asking {network.code}")
        gateway.chains.adapter(network.code).verify()

    def along(session: Session, fresh: bool) -> None:
        mark_openings(session, gateway, all_networks=fresh)
        reserve_ahead(session)
        make_gas_wallets(session, gateway)  # what fuels by the file is watched from the same commit on

    tell("writing the wallet")
    restored = restore_wallet(gateway, seal_key, contents, ahead=ahead, actor=actor, along=along)
    accounts = find_accounts(gateway, seal_key, actor=actor, tell=tell)
    late = gateway.db.run(partial(keep_accounts, gateway=gateway, late=accounts, ahead=ahead, actor=actor))
    make_masters(gateway)
    gateway.db.run(partial(make_gas_wallets, gateway=gateway))
    found = _look_around(gateway, ahead, tell)
    gateway.db.run(partial(watch_restored, gateway=gateway))
    opened = [
        each.network.code
        for each in found
        if gateway.db.run(partial(open_network, gateway=gateway, found=each))
    ]
    return Report(restored, found, opened, late, accounts.end)


def _look_around(gateway: Gateway, ahead: int, tell: Tell) -> list[Found]:
    """Look at all addresses of all networks, and further than before until the last `ahead` of an account are empty."""
    while True:
        found = []
        for network in gateway.chains:
            tell(f"looking for money on {network.code}")
            found.append(look(gateway, network))
        further = _further(gateway, found, ahead)
        if not further:
            return found

        def work(session: Session, further: Sequence[Branch] = further) -> None:
            now = gateway.clock.now(session)
            for each in further:
                put_addresses(session, gateway, each, now)

        gateway.db.run(work)


def _further(gateway: Gateway, found: Sequence[Found], ahead: int) -> list[Branch]:
    """Answer the accounts with money nearer than `ahead` to the last watched address, each with where to go on to."""
    used = _highest_used(gateway, found)
    with gateway.db.read() as session:
        watched = [each for each in branches(session) if each.chain == DEPOSIT_CHAIN]
    return [
        Branch(each.key_family, each.account, each.chain, used[each.key_family, each.account] + 1 + ahead)
        for each in watched
        if used.get((each.key_family, each.account), -1) + 1 + ahead > each.next_index
    ]


def _highest_used(gateway: Gateway, found: Sequence[Found]) -> Mapping[tuple[str, int], int]:
    highest: dict[tuple[str, int], int] = {}
    with gateway.db.read() as session:
        for each in found:
            family = each.network.key_family.name
            for deposit in deposits(session, family, {holding.address for holding in each.amounts}).values():
                place = family, deposit.account
                highest[place] = max(highest.get(place, -1), deposit.index)
    return highest
