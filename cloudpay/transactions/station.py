"""What one pass of the sender works with: a network, its adapter, the lease, the journal, and whether it may sign."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.spending import KeyPath, SpendingAdapter
from cloudpay.kernel.errors import Unavailable
from cloudpay.kernel.leases import Lease, LeaseKeeper, LeaseLost, fence
from cloudpay.kernel.money import parse_amount
from cloudpay.kernel.secrets import SealKey
from cloudpay.transactions.journal import Journal
from cloudpay.wallets.day import DayTotals
from cloudpay.wallets.gas import wallets
from cloudpay.wallets.guard import Guard
from cloudpay.wallets.limits import read_ceilings
from cloudpay.wallets.sealing import SealKeyUnavailable, key_source
from cloudpay.wallets.service import deposits
from cloudpay.wallets.setup import open_wallet
from cloudpay.wallets.signer import MasterKey
from cloudpay.wallets.switch import Frozen, why_frozen, write_file

_ASK_AGAIN = 10.0
"""Seconds until a key management service that did not answer is asked again."""

Gate = Callable[[Session, Gateway, Network], None]
"""Raises `Unavailable` while a network may not be trusted with money (money rule 9): asked before each signature."""


class SendingFrozen(Unavailable):
    """The kill switch is set, or something happened that this gateway did not sign."""

    code = "sending_frozen"

    def __init__(self, found: Frozen) -> None:
        super().__init__(f"Nothing is signed now ({found.reason.rstrip('.')}). `cloudpay thaw` ends that.")
        self.found = found


@dataclass
class Station:
    """The means of sending on one network, by the process that holds its lease."""

    gateway: Gateway
    network: Network
    adapter: SpendingAdapter
    keeper: LeaseKeeper
    gate: Gate
    journal: Journal
    day: DayTotals = field(default_factory=DayTotals)
    monotonic: Callable[[], float] = time.monotonic
    _master: MasterKey | None = None
    _no_key: tuple[float, SealKeyUnavailable] | None = None

    @property
    def fee_cap(self) -> int:
        """The most that one transaction's fee may be, in native base units."""
        return parse_amount(self.network.settings.fee_cap, self.network.native.decimals)

    def renew(self) -> None:
        """Keep the lease while a pass takes long; not inside a transaction. Raises `LeaseLost`."""
        if self.keeper.hold() is None:
            raise LeaseLost(f"send:{self.network.code}")

    def fence(self, session: Session) -> None:
        """Lock the lease for this transaction; raises `LeaseLost`."""
        fence(session, self._lease)

    @property
    def _lease(self) -> Lease:
        """The lease as it was last taken, without asking for it: for use inside a transaction."""
        held = self.keeper.held
        if held is None:
            raise LeaseLost(f"send:{self.network.code}")
        return held

    def frozen(self, session: Session) -> Frozen | None:
        """Answer why nothing may be signed or handed out, or None."""
        return why_frozen(session, self.gateway.settings, self.network.code)

    def require_thawed(self, session: Session) -> None:
        """Raise `SendingFrozen` while nothing may be signed or handed out."""
        found = self.frozen(session)
        if found is not None:
            raise SendingFrozen(found)

    def require_open(self, session: Session) -> None:
        """Raise unless something may be signed on this network now."""
        self.require_thawed(session)
        self.gate(session, self.gateway, self.network)

    def paths_among(self, recipients: Collection[str]) -> Mapping[str, KeyPath]:
        """Answer the paths of those recipients that are said to be ours; the guard derives them itself."""
        family = self.network.key_family.name
        with self.gateway.db.read() as session:
            found = {
                address: KeyPath(each.account, each.chain, each.index)
                for address, each in deposits(session, family, recipients).items()
            }
            return found | {
                address: each.path for address, each in wallets(session, family, recipients).items()
            }

    def write_down_day(self) -> None:
        """Have on disk what was signed for, before its bytes are kept; raises `JournalFailed`."""
        self.journal.count(self.day.fresh)
        self.day.fresh.clear()

    def mirror_freeze(self, found: Frozen) -> None:
        """Keep a freeze beside the seal key too: whoever has the database alone cannot end it."""
        write_file(self.gateway.settings, found.network, found.reason)

    def guard(self) -> Guard:
        """Open the keys for one pass. Raises `SealKeyUnavailable`, `WalletMissing`, `LimitsMissing` and their kin."""
        settings = self.gateway.settings
        ceilings = read_ceilings(settings.signer_limits_path, self.network)
        if self._master is None:
            self._master = open_wallet(self.gateway, self._seal_key(), [self.network.key_family])
        ring = self._master.ring(self.network.key_family.coin_type)
        return Guard(self.network, ring, self.fee_cap, ceilings, self.day)

    def _seal_key(self) -> SealKey:
        """Ask for the key; one that could not be had is asked for again after a while, not at every pass."""
        if self._no_key is not None and self.monotonic() < self._no_key[0]:
            raise self._no_key[1]
        try:
            return key_source(self.gateway.settings).load()
        except SealKeyUnavailable as error:
            self._no_key = (self.monotonic() + _ASK_AGAIN, error)
            raise
