"""What is true whatever happened: the chain, the bytes that nodes were shown, and the books, held against the items."""

from collections import defaultdict
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.ledger.audit import check
from cloudpay.ledger.outgoing import available, reserved
from cloudpay.ledger.service import balances
from cloudpay.ledger.types import AccountKind
from cloudpay.outbox.models import OutboxRow
from cloudpay.payments.models import OutsideTransferRow, PaymentRow
from cloudpay.payments.networks import network_views
from cloudpay.payouts.models import PayoutRow
from cloudpay.sweeps.models import UnsweptRow
from cloudpay.testing.fakewire import Wire
from cloudpay.transactions.models import AttemptRow, SpendRow, TransactionRow
from cloudpay.wallets.own import own_among
from tests.properties.office import NETWORK, Office

_PROMISED = frozenset(("awaiting_confirmation", "queued", "sending", "sent"))
_INNER = ("sweep", "top_up", "gap")
"""Kinds of spends that move money between addresses of ours."""
_PASSING = ("new", "later", "collected", "behind", "unquoted")
"""Where money at a deposit address stands that will be collected, or judged, by itself."""


@dataclass
class Item:
    """A payout that was accepted: each has a recipient of its own."""

    external_id: str
    asset: str
    amount: int
    recipient: str


@dataclass
class Truth:
    """Holds an office against what must be so after every step."""

    office: Office
    items: dict[str, Item] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)
    deposits: list[str] = field(default_factory=list)
    """Addresses that buyers were told."""
    _heard: int = 0
    _nonces: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    _claims: dict[str, tuple[str, str | None, int]] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)

    def hold(self) -> None:
        """Raise `AssertionError` for what is not so."""
        self._hold_bytes()
        self._hold_chain()
        assert check(self.office.gateway) == []
        with self.office.gateway.db.read() as session:
            self._hold_promises(session)
            self._hold_outside(session)
            self._hold_amounts(session)

    def _hold_bytes(self) -> None:
        """What a node was shown is in the journal, noted as ours; a payout has one claim, and a claim one transfer."""
        fresh = self.office.chain.heard[self._heard :]
        if not fresh:
            return
        self._heard += len(fresh)
        ids = {each.tx_id for each in fresh}
        journal = {each.tx_id for each in self.office.journal.entries()}
        with self.office.gateway.db.read() as session:
            stored = set(session.scalars(select(AttemptRow.tx_id).where(AttemptRow.tx_id.in_(ids))))
            own = own_among(session, NETWORK, ids)
        assert ids <= journal, "bytes went out that are not in the journal"
        assert ids <= stored, "bytes went out that are not in the database"
        assert ids <= own, "bytes went out that are not noted as ours"
        for each in fresh:
            wire = Wire.decode(each.raw)
            moved = (wire.recipient, wire.contract, wire.amount)
            assert self._claims.setdefault(wire.claim, moved) == moved, f"{wire.claim} was signed for twice"
            if wire.source == self.office.master and wire.recipient not in (
                *self.deposits,
                self.office.master,
            ):
                self._nonces[wire.recipient].add(wire.nonce)
                assert len(self._nonces[wire.recipient]) == 1, (
                    f"{wire.recipient} was signed for under two claims"
                )

    def _hold_chain(self) -> None:
        for item in self.items.values():
            got = self.office.chain.spendable(item.recipient, item.asset or None)
            assert got in (0, item.amount), f"{item.external_id} of {item.amount}: {got} arrived"

    def _hold_promises(self, session: Session) -> None:
        """What is reserved is what is promised to payouts and top-ups that have not ended; on its way are sweeps."""
        wanted: defaultdict[str, int] = defaultdict(int)
        on_its_way: defaultdict[str, int] = defaultdict(int)
        spends = {row.id: row for row in session.scalars(select(SpendRow))}
        for spend in spends.values():
            if spend.kind not in _INNER or spend.status not in _PROMISED:
                continue
            if spend.source == self.office.master:
                wanted[spend.asset] += spend.amount
                wanted[""] += spend.fee_reserved
            elif spend.kind == "sweep":
                on_its_way[spend.asset] += spend.amount
        for payout in session.scalars(select(PayoutRow)):
            newest = spends.get(payout.id) or payout  # a payout hears of its spend by an event
            if newest.status in _PROMISED:
                wanted[payout.asset] += payout.amount
                wanted[""] += newest.fee_reserved
        for asset in self.office.network.assets:
            held = reserved(session, self.office.principal.merchant_id, False, NETWORK, asset.key)
            assert held == wanted[asset.key], (
                f"{held} of {asset.symbol} are reserved, {wanted[asset.key]} promised"
            )
            moving = self._booked(session, asset.key, AccountKind.TRANSIT)
            assert moving == on_its_way[asset.key], (
                f"{moving} of {asset.symbol} are booked as on their way, {on_its_way[asset.key]} are"
            )

    def _booked(self, session: Session, asset: str, *kinds: AccountKind) -> int:
        found = balances(session, self.office.principal.merchant_id, livemode=False)
        return sum(each.held for key, each in found.items() if key.asset == asset and key.kind in kinds)

    def _hold_outside(self, session: Session) -> None:
        """What left the master wallet and was not signed here is somebody else's, never one of ours."""
        left = set(session.scalars(select(OutsideTransferRow.tx_id).where(OutsideTransferRow.leaves)))
        assert left <= self.foreign, f"{left - self.foreign} were taken for somebody else's"

    def _hold_amounts(self, session: Session) -> None:
        rows = {row.external_id: row for row in session.scalars(select(PayoutRow))}
        assert rows.keys() == self.items.keys()
        for name, row in rows.items():
            item = self.items[name]
            assert (row.asset, row.amount, row.address) == (item.asset, item.amount, item.recipient)

    # At the end

    @property
    def is_settled(self) -> bool:
        """Whether nothing is under way any more: neither spends, nor transactions, nor what came from outside."""
        undecided = ("open", "included", "usurped")
        waiting = (
            select(SpendRow.id).where(SpendRow.status.in_(("queued", "sending", "sent"))),
            select(TransactionRow.id).where(
                TransactionRow.status.in_(undecided) | TransactionRow.look_at.is_not(None)
            ),
            select(OutsideTransferRow.id).where(OutsideTransferRow.status == "confirming"),
            select(PaymentRow.id).where(PaymentRow.status.in_(("seen", "confirming"))),
            select(OutboxRow.id).where(OutboxRow.handled_at.is_(None)),
            select(UnsweptRow.address).where(UnsweptRow.standing.in_(_PASSING)),
        )
        [network] = network_views(self.office.gateway)
        if network.cursor != self.office.chain.height or self.office.chain.mempool:
            return False
        with self.office.gateway.db.read() as session:
            return not any(session.scalar(each.limit(1)) for each in waiting)

    def hold_end(self) -> None:
        """All has come to its end: whoever was told is paid, nobody else is, and the books are the chain."""
        self.hold()
        chain = self.office.chain
        assert self.is_settled, "it does not come to rest"
        with self.office.gateway.db.read() as session:
            for row in session.scalars(select(PayoutRow)):
                got = chain.spendable(row.address, row.asset or None)
                wanted = row.amount if row.status == "confirmed" else 0
                ended = ("confirmed", "failed", "cancelled", "awaiting_confirmation")
                assert row.status in ended, f"{row.external_id} is {row.status}: {row.reason}"
                assert got == wanted, f"{row.external_id} is {row.status}, and {got} arrived"
            for asset in self.office.network.assets:
                key = (self.office.principal.merchant_id, False, NETWORK, asset.key)
                booked = available(session, *key) + reserved(session, *key)
                there = chain.spendable(self.office.master, asset.key or None)
                there += self._foreign_fees() if asset.key == "" else 0
                assert booked == there, f"{booked} of {asset.symbol} are booked, the chain has {there}"
                held = self._booked(session, asset.key, AccountKind.DEPOSITS, AccountKind.TRANSIT)
                lies = sum(chain.spendable(each, asset.key or None) for each in self.deposits)
                assert held == lies, (
                    f"{held} of {asset.symbol} are booked at deposit addresses, {lies} lie there"
                )

    def _foreign_fees(self) -> int:
        """What others' transactions cost the master wallet, which is in no book."""
        found = (self.office.chain._ledger.find(each) for each in self.foreign)
        return sum(each[1].transaction.fee for each in found if each is not None)
