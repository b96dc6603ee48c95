"""All that is known here of one network at a block, read at one moment."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import BlockRef, Holding
from cloudpay.ledger.pots import Change, Place, Pot, booked
from cloudpay.payments.points import is_read
from cloudpay.payments.standing import incoming, moved_past_us, received
from cloudpay.transactions.unbooked import Unbooked, booked_later, unbooked
from cloudpay.wallets.gas import PLACES, all_wallets


@dataclass(frozen=True)
class Books:
    """The ledger, what it may rightly differ by, whom else the chain is to be asked about, and where all of it lies."""

    ledger: Mapping[Pot, int]
    changes: Sequence[Change]
    waiting: Unbooked
    holdings: Mapping[Pot, Sequence[Holding]]


def read_books(gateway: Gateway, network: Network, at: BlockRef) -> Books | None:
    """Read everything at one moment, so that bookings meanwhile change nothing; None where that block was left."""
    with gateway.db.snapshot() as session:
        if not is_read(session, network, at):
            return None
        ledger = booked(session, network.code)
        changes = [
            *incoming(session, network, at.height),
            *moved_past_us(session, network, at.height),
            *booked_later(session, network.code, at.height),
        ]
        waiting = unbooked(session, network.code)
        return Books(ledger, changes, waiting, _holdings(session, network, ledger))


def _holdings(
    session: Session, network: Network, ledger: Mapping[Pot, int]
) -> Mapping[Pot, Sequence[Holding]]:
    """Name every address and asset to ask for: all wallets, and of the deposit addresses those that were paid."""
    found: defaultdict[Pot, dict[Holding, None]] = defaultdict(dict)
    listed = {asset.key for asset in network.assets}
    for wallet in all_wallets(session, network.key_family.name):
        owner = (wallet.merchant_id, wallet.livemode)
        known = {pot.asset for pot in ledger if (pot.merchant_id, pot.livemode) == owner}
        for asset in sorted(listed | known):
            pot = Pot(*owner, asset, PLACES[wallet.path.chain])
            found[pot][Holding(wallet.address, asset or None)] = None
    for each in received(session, network):
        for asset in ("", each.asset):  # its native coins pay fees, whatever it was paid in
            pot = Pot(each.merchant_id, each.livemode, asset, Place.DEPOSITS)
            found[pot][Holding(each.address, asset or None)] = None
    return {pot: tuple(holdings) for pot, holdings in found.items()}
