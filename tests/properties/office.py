"""A gateway that pays out on a fake chain, in one process: each of its processes may die, and is begun anew."""

import base64
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TypeVar

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.registry import load_chains
from cloudpay.invoices import creation as invoicing
from cloudpay.invoices.creation import NewInvoice
from cloudpay.invoices.states import Priority
from cloudpay.invoices.views import InvoiceView
from cloudpay.kernel import failpoints
from cloudpay.kernel.db import Database
from cloudpay.kernel.errors import CloudPayError, Unavailable
from cloudpay.kernel.leases import LeaseKeeper, LeaseLost
from cloudpay.kernel.secrets import KEY_BYTES, AppKey, SealKey
from cloudpay.kernel.sections import Log, Rates, Sweeps
from cloudpay.kernel.settings import Settings
from cloudpay.merchants.keys import create_key
from cloudpay.merchants.principal import Principal
from cloudpay.merchants.service import create_merchant
from cloudpay.outbox.service import drain
from cloudpay.payments.health import note_silence, verify
from cloudpay.payments.loop import LEASE_TTL
from cloudpay.payments.networks import require_open
from cloudpay.payments.watcher import Watcher
from cloudpay.payouts import creation
from cloudpay.payouts.rendering import batch_text, preview_text
from cloudpay.payouts.views import NewBatch
from cloudpay.sweeps.cold import collect_surplus
from cloudpay.sweeps.service import collect
from cloudpay.tables import metadata
from cloudpay.testing import FakeChain, FakePlugin, FixedClock, fake_plugin
from cloudpay.transactions.backups import read_back
from cloudpay.transactions.journal import Journal
from cloudpay.transactions.sender import Sender
from cloudpay.transactions.service import want_quotes
from cloudpay.transactions.station import Station
from cloudpay.wallets.day import DayTotals
from cloudpay.wallets.masters import master_wallet
from cloudpay.wallets.setup import init_wallet
from cloudpay.wiring import EVENT_HANDLERS

NETWORK = "evm"
_WORDS = "test test test test test test test test test test test junk"
Result = TypeVar("Result")


class Killed(BaseException):
    """The process ends here: nothing may catch it."""


@dataclass(frozen=True)
class Ground:
    """What all offices share: a database that is put back before each, with a wallet and a merchant in it."""

    folder: Path
    db: Database
    principal: Principal

    def clear(self) -> None:
        """Put everything back."""
        self.db.close()
        for each in self.folder.glob("gateway.db*"):
            each.unlink()
        for name in ("signed.journal", "frozen", f"frozen-{NETWORK}"):
            (self.folder / name).unlink(missing_ok=True)
        shutil.copyfile(self.folder / "template.db", self.folder / "gateway.db")


def prepare(folder: Path) -> Ground:
    """Make the ground that offices are opened on."""
    db = Database(f"sqlite:///{folder / 'gateway.db'}")
    metadata.create_all(db.engine)
    gateway = _gateway(folder, db, fake_plugin()[1], FixedClock())
    gateway.settings.seal_key_path.write_text(base64.b64encode(bytes(KEY_BYTES)).decode())
    init_wallet(gateway, SealKey(bytes(KEY_BYTES)), mnemonic=_WORDS, accounts=2, actor="cli:test")
    merchant = create_merchant(
        gateway, "Tea Shop", livemode=False, payout_currencies={NETWORK: "ETH"}, actor="cli:test"
    )
    key = create_key(gateway, merchant.id, name="shop", scopes=["payouts:write"], actor="cli:test")
    principal = Principal(key.view.id, merchant.id, livemode=False, scopes=frozenset(["payouts:write"]))
    db.close()
    shutil.copyfile(folder / "gateway.db", folder / "template.db")
    return Ground(folder, db, principal)


def _gateway(folder: Path, db: Database, fakes: FakePlugin, clock: FixedClock) -> Gateway:
    settings = Settings(
        data_dir=str(folder),
        database_url=db.url,
        networks={NETWORK: {"live": False, "stalled_after_seconds": 86_400}},
        rates=Rates(fixed={"ETH": "2500", "USDT": "1"}),
        sweeps=Sweeps(every_seconds=1, fee_share_percent="100"),
        log=Log(level="error"),
    )
    chains = load_chains(settings.networks, NETWORK, ("fake", fakes))
    return Gateway(settings, db, clock, chains, AppKey(bytes(KEY_BYTES)))


@dataclass
class Office:
    """One merchant, one chain, and the processes: web, watcher, sender, events."""

    ground: Ground
    clock: FixedClock = field(default_factory=FixedClock)
    gateway: Gateway = field(init=False)
    chain: FakeChain = field(init=False)
    kills: int = 0

    def __post_init__(self) -> None:
        self.ground.clear()
        fakes = fake_plugin(NETWORK, unix=self.clock.unix)[1]
        self.gateway = _gateway(self.ground.folder, self.ground.db, fakes, self.clock)
        self.network = self.gateway.chains.network(NETWORK)
        self.gateway.chains.adapter(NETWORK)
        self.chain = fakes.chains[NETWORK]
        self.chain.mine(12)
        self.principal = self.ground.principal
        self.master = master_wallet(self.gateway, self.network, self.principal.merchant_id).address
        self.journal = Journal(self.gateway.settings.journal_path)
        self._begin()
        verify(self.gateway, self.network, self.chain)
        self.look()
        self.gateway.db.run(lambda session: want_quotes(session, self.gateway, NETWORK))
        self.send()

    def _begin(self) -> None:
        """Begin watcher and sender as processes do that know nothing."""
        self.kills += 1
        self.watcher = Watcher(self.gateway, self.network, self.chain, self._keeper("watch"))
        station = Station(
            self.gateway, self.network, self.chain, self._keeper("send"), require_open, self.journal
        )
        self.sender = Sender(station)
        self._read_back = True

    def _keeper(self, kind: str) -> LeaseKeeper:
        name = f"{kind}:{NETWORK}"
        return LeaseKeeper(self.gateway.db, self.clock, name, f"{kind} {self.kills}", LEASE_TTL)

    # The processes

    def run(self, work: Callable[[], Result], *allowed: type[CloudPayError]) -> Result | None:
        """Do something that may be refused so, or be killed at an armed place: then the processes begin anew."""
        try:
            return work()
        except Killed:
            failpoints.disarm()
            self.clock.advance(2 * LEASE_TTL)
            self._begin()
        except NodeUnavailable:
            return None
        except CloudPayError as error:
            if not isinstance(error, allowed):
                raise
        return None

    def look(self) -> None:
        """Have the watcher poll once, as its loop does."""

        def poll() -> None:
            if self._is_unverified():
                verify(self.gateway, self.network, self.chain)
            try:
                self.watcher.poll()
            except NodeUnavailable as error:
                note_silence(self.gateway, self.network, error, self.chain.health())
            except LeaseLost:
                self.watcher.keeper.lost()

        self.run(poll)

    def send(self, passes: int = 1) -> None:
        """Have the sender do passes that look at the chain, as its loop does."""

        def work() -> None:
            if self._read_back:
                day = DayTotals()
                assert read_back(self.gateway, NETWORK, self.journal, day), (
                    "the journal knows more than the database"
                )
                self.sender.station.day, self._read_back = day, False
            for _ in range(passes):
                self.sender.work(look=True)

        self.run(work, Unavailable, LeaseLost)

    def hand_on(self) -> None:
        """Drain the outbox."""

        def work() -> None:
            while drain(self.gateway, EVENT_HANDLERS):
                pass

        self.run(work)

    def collect(self) -> None:
        """Have the scheduler collect what is due; where nobody knows what that costs, the sender asks first."""
        for turn in (collect, collect_surplus, collect):
            self.run(partial(turn, self.gateway), Unavailable)
            self.send()

    def invoice(self, symbol: str) -> str | None:
        """Have the web process make an invoice; answer its address, or None where it was killed or refused."""
        new = NewInvoice(
            amount=Decimal(1),
            total_usd=None,
            currency=symbol,
            network=NETWORK,
            customer_name="Jane Roe",
            notification_emails="shop@example.com",
            callback_url=None,
            priority=Priority.MEDIUM,
            expiry_minutes=60,
        )
        made: list[str] = []

        def keep(view: InvoiceView) -> str:
            made.append(view.option.address)
            return "{}"

        done = self.run(partial(invoicing.create, self.gateway, self.principal, new, None, keep), Unavailable)
        return made[-1] if done else None

    def post(self, batch: NewBatch, key: str | None = None) -> str:
        """Have the web process accept a batch; answer what it answers. One that is killed is asked again."""
        render, preview = partial(batch_text, self.gateway), partial(preview_text, self.gateway)
        while True:
            try:
                return creation.create(self.gateway, self.principal, batch, key, render, preview).body
            except Killed:
                failpoints.disarm()

    def arm(self, place: failpoints.Failpoint, passage: int) -> None:
        """Have whichever process comes by a place die there."""

        def die() -> None:
            raise Killed(place)

        failpoints.disarm()
        failpoints.arm(place, die, first=passage)

    def _is_unverified(self) -> bool:
        from cloudpay.payments.networks import network_views

        [view] = network_views(self.gateway)
        return view.status == "unverified"


PLACES: Sequence[failpoints.Failpoint] = sorted(
    place
    for place in failpoints.Failpoint
    if place.startswith(("send.", "payout.", "outside.", "page.", "outbox.", "webhook.", "sweep.", "top_up."))
)
"""Where a process may be killed."""
