"""A merchant's payout desk on a fake chain, which a test drives pass by pass and block by block."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.spending import FeeTier
from cloudpay.kernel.leases import LeaseKeeper
from cloudpay.kernel.secrets import KEY_BYTES
from cloudpay.ledger.outgoing import Funding, Outgoing, available, post_funding, post_reserve_many, reserved
from cloudpay.outbox.models import OutboxRow
from cloudpay.testing import FakeChain, FixedClock, fake_address
from cloudpay.transactions.journal import Journal
from cloudpay.transactions.loop import LEASE_TTL
from cloudpay.transactions.models import AttemptRow, TransactionRow
from cloudpay.transactions.sender import Sender
from cloudpay.transactions.service import request_spends, spends
from cloudpay.transactions.station import Station
from cloudpay.transactions.types import SpendKind, SpendRequest, SpendView
from cloudpay.wallets.masters import MasterWallet

FUNDS = 10**12
FEE = 20


def no_gate(_session: Session, _gateway: Gateway, _network: Network) -> None:
    """A network that is always open."""


def write_seal_key(gateway: Gateway) -> None:
    """Put the key that the tests' wallet is sealed with where the worker looks for it."""
    gateway.settings.seal_key_path.write_text(base64.b64encode(bytes(KEY_BYTES)).decode())


@dataclass
class Desk:
    """One master wallet with money in it, and the sender of its network."""

    gateway: Gateway
    network: Network
    chain: FakeChain
    clock: FixedClock
    master: MasterWallet
    gate: Any = no_gate
    holder: str = "test"
    sender: Sender = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self, holder: str = "") -> Sender:
        """Begin anew as a process does that was killed: nothing in memory is left."""
        name = f"send:{self.network.code}"
        keeper = LeaseKeeper(self.gateway.db, self.gateway.clock, name, holder or self.holder, LEASE_TTL)
        journal = Journal(self.gateway.settings.journal_path)
        station = Station(self.gateway, self.network, self.chain, keeper, self.gate, journal)
        self.sender = Sender(station)
        return self.sender

    def fund(self, amount: int = FUNDS, asset: str = "") -> None:
        """Put money into the master wallet, on the chain and in the books."""
        self.chain.fund(self.master.address, amount, asset or None)
        funding = Funding(
            self.network.code,
            f"fund-{asset}-{amount}",
            self.master.address,
            asset,
            0,
            self.master.merchant_id,
            False,
            amount,
        )
        self.gateway.db.run(lambda session: post_funding(session, funding, self.clock.now(session)))

    def pay(
        self,
        *ids: str,
        amount: int = 100,
        tier: FeeTier = FeeTier.MEDIUM,
        asset: str = "",
        recipient: str = "",
        fee: int = FEE,
    ) -> None:
        """Queue payouts, each reserved in the books, as the payouts' own code does."""
        requests = [
            SpendRequest(
                id=each,
                kind=SpendKind.PAYOUT,
                merchant_id=self.master.merchant_id,
                livemode=False,
                network=self.network.code,
                source=self.master.address,
                path=self.master.path,
                recipient=recipient or recipient_of(each),
                asset=asset,
                amount=amount,
                tier=tier,
                fee_reserved=fee,
            )
            for each in ids
        ]

        def work(session: Session) -> None:
            promised = [
                Outgoing(
                    each.id,
                    each.merchant_id,
                    each.livemode,
                    each.network,
                    each.asset,
                    each.amount,
                    each.fee_reserved,
                )
                for each in requests
            ]
            post_reserve_many(session, promised, self.clock.now(session))
            request_spends(session, self.gateway, requests)

        self.gateway.db.run(work)

    def work(self, passes: int = 1, *, after: float = 0) -> None:
        """Let time pass, then do passes that look at the chain."""
        self.clock.advance(timedelta(seconds=after))
        for _ in range(passes):
            self.sender.work(look=True)

    def confirm(self, blocks: int = 5) -> None:
        """Mine until what is included is final, and look."""
        self.chain.mine(blocks)
        self.work(2)

    def view(self, spend_id: str) -> SpendView:
        """Answer how one spend stands."""
        with self.gateway.db.read() as session:
            return spends(session, [spend_id])[spend_id]

    def statuses(self, *ids: str) -> list[str]:
        """Answer how some spends stand."""
        with self.gateway.db.read() as session:
            found = spends(session, ids)
        return [found[each].status.value for each in ids]

    def received(self, spend_id: str, asset: str = "") -> int:
        """Answer what the recipient of a spend has at the chain's tip."""
        return self.chain.spendable(recipient_of(spend_id), asset or None)

    def attempts(self) -> Sequence[AttemptRow]:
        """Answer every attempt, in the order in which they were signed."""
        with self.gateway.db.read() as session:
            order = (AttemptRow.transaction_id, AttemptRow.number)
            return session.scalars(select(AttemptRow).order_by(*order)).all()

    def transactions(self) -> Sequence[TransactionRow]:
        """Answer every transaction, in the order in which they were signed."""
        with self.gateway.db.read() as session:
            return session.scalars(select(TransactionRow).order_by(TransactionRow.id)).all()

    def books(self, asset: str = "") -> tuple[int, int]:
        """Answer what is free and what is promised."""
        who = (self.master.merchant_id, False, self.network.code, asset)
        with self.gateway.db.read() as session:
            return available(session, *who), reserved(session, *who)

    def events(self, name: str = "spend.changed") -> list[str]:
        """Answer the payloads of an event, in order."""
        with self.gateway.db.read() as session:
            rows = session.scalars(select(OutboxRow).where(OutboxRow.name == name).order_by(OutboxRow.id))
            return [row.payload for row in rows]


def recipient_of(spend_id: str) -> str:
    """The address that a spend of the tests pays unless it names one."""
    return fake_address(f"recipient of {spend_id}")
