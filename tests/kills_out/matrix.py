"""One run of money going out: everything that takes part in it is killed; then the audit."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cloudpay.kernel.db import repeat_reads
from cloudpay.kernel.failpoints import Failpoint
from cloudpay.ledger.outgoing import available
from cloudpay.outbox.models import OutboxRow
from cloudpay.payments.models import OutsideTransferRow, PaymentRow
from cloudpay.payments.networks import network_views
from cloudpay.payments.states import PaymentStatus
from cloudpay.payouts.models import PayoutRow
from cloudpay.payouts.states import ENDED
from cloudpay.sweeps.models import UnsweptRow
from cloudpay.sweeps.states import Standing
from cloudpay.transactions.control import NotFrozen, StillFrozen, frozen_networks, thaw
from cloudpay.transactions.models import FeeQuoteRow, SpendRow, TransactionRow
from cloudpay.transactions.service import want_quotes
from cloudpay.transactions.states import SpendStatus, TransactionStatus
from cloudpay.wallets.masters import master_wallet
from cloudpay.webhooks.models import Delivery
from cloudpay.webhooks.states import DeliveryStatus
from tests.kills.audit import settled
from tests.kills.ground import TOKEN, ChainTruth, Ground
from tests.kills.killing import CALM_SECONDS, Killing, patience
from tests.kills.mining import DEEPEST
from tests.kills.roles import DEFECT
from tests.kills.stack import Stack, log_tail, open_stack
from tests.kills_out.audit import Verdict, audit
from tests.kills_out.banker import Banker
from tests.kills_out.buyers import Buyers
from tests.kills_out.families import EVM, Family
from tests.kills_out.merchants import Merchants
from tests.kills_out.nodefaults import NodeFaults

_FAULTY = 0.6
_THAW_AFTER = 1.0
_UNDER_WAY = (SpendStatus.QUEUED, SpendStatus.SENDING, SpendStatus.SENT)
_ACTOR = "cli:kills"
_SWEEPS = {"every_seconds": 1, "fee_share_percent": "100"}


class Run(Killing):
    """Merchants pay out, nodes fail, and the processes that send are killed."""

    def __init__(
        self,
        stack: Stack,
        seed: int,
        faults: NodeFaults,
        *,
        places: Mapping[str, Sequence[Failpoint]],
        restart_database: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(stack, seed, places, restart_database, first_come=True)
        self.faults = faults
        self._frozen_since = 0.0
        self._code = stack.ground.code
        network = stack.gateway.chains.network(self._code)
        self._network = network
        self.master = master_wallet(stack.gateway, network, stack.merchant_id).address
        self.banker = Banker(stack.ground, self.master, random.Random(f"{seed}:chain"), self.waits_for)
        self.banker.may_steal = lambda: not self._frozen_since
        self.banker.calm = True  # until the chain is watched
        self.buyers = Buyers(stack, self.banker, seed)
        self.merchants = Merchants(stack, seed, self._count_open)
        for role in places:
            self.start(role, armed=False)
        self._open_shop()
        for role in places:
            self.arm(role)

    @property
    def failures(self) -> Iterable[BaseException | None]:
        """What the chain's side and the merchants ended with."""
        return (self.banker.failure, self.merchants.failure, self.buyers.failure)

    def rest(self) -> None:
        """Ask for nothing more, and have nodes and chain behave."""
        self.merchants.ask_to_stop()
        self.buyers.ask_to_stop()
        self.banker.calm = True
        self.faults.end()

    def tend(self) -> None:
        """Nothing is due."""

    def tend_calm(self) -> None:
        """Thaw what is still frozen."""
        self._thaw()

    def disturb(self) -> None:
        """Nodes that fail; a person who has looked at what somebody else has sent."""
        self.buyers.settled(settled(self.stack, self.buyers.orders))
        self._thaw()
        if self.chance.random() < _FAULTY:
            self.faults.strike(self.chance)

    def follow(self, role: str, *, armed: bool) -> None:
        """Start what follows; it is left alone once its kind was killed at each of its places."""
        self.start(role, armed=armed and not self.choice.is_done(role))

    def calm_down(self, seconds: float = CALM_SECONDS) -> bool:
        """Let everything come to its end, and nothing begin while it is audited; say whether it did in time."""
        while super().calm_down(seconds):
            self.halt()
            if self.is_settled():
                return True
            for role in self.lives:  # a sweep had become worth its fee in this moment
                self.start(role, armed=False)
        return False

    def is_settled(self) -> bool:
        """Say whether every payout has ended, and nothing waits."""
        gateway = self.stack.gateway
        [network] = network_views(gateway)
        if (
            not (self.merchants.done and self.buyers.done and self.banker.idle)
            or (network.cursor or 0) < self.banker.funded_at + DEEPEST
        ):
            return False
        waits = gateway.db.ask(lambda asked: any(asked.scalar(each) for each in _waiting()))
        return not waits and not frozen_networks(gateway)

    def close(self) -> None:
        """Stop everything that this run started."""
        self.merchants.ask_to_stop()
        self.buyers.ask_to_stop()
        self.banker.stop()
        super().close()

    def verdict(self) -> Verdict:
        """Audit what came of it, on a chain that stands still."""
        self.banker.stop()
        truth = ChainTruth(self.stack.ground, self.master, tuple(each.address for each in self.buyers.orders))
        return audit(self.stack, self.merchants, truth, self.banker.outside)

    def _open_shop(self) -> None:
        """Fund the master wallet once the chain is watched, and begin when that is final; nobody is killed so far."""
        gateway = self.stack.gateway
        gateway.db.run(lambda session: want_quotes(session, gateway, self._code))
        self._await(self._is_watched)
        self.banker.fund(self.stack.ground.first_funds)
        self._await(self._is_funded)
        self.banker.calm = False
        self.merchants.funded = self.buyers.begun = True

    def _await(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + patience(CALM_SECONDS)
        while not condition():
            assert time.monotonic() < deadline, f"no shop was opened:\n{log_tail(self.stack)}"
            self.bury(armed=False)
            self.check()

    def _is_watched(self) -> bool:
        [network] = network_views(self.stack.gateway)
        return network.cursor is not None

    def _is_funded(self) -> bool:
        with self.stack.gateway.db.read() as session:
            priced = session.scalar(select(FeeQuoteRow.network).limit(1)) is not None
            funds = self.stack.ground.first_funds.items()
            return priced and all(self._available(session, symbol) >= units for symbol, units in funds)

    def _available(self, session: Session, symbol: str) -> int:
        asset = self._network.asset(symbol)
        return available(session, self.stack.merchant_id, False, self._code, asset.key)

    def _count_open(self) -> int:
        under_way = select(func.count()).select_from(PayoutRow).where(PayoutRow.status.not_in(ENDED))
        return int(self.stack.gateway.db.ask(lambda connection: connection.scalar(under_way)) or 0)

    def _thaw(self) -> None:
        """Do what a person does who has compared the gateway with the chain, a moment after a freeze."""
        if not repeat_reads(lambda: frozen_networks(self.stack.gateway)):
            self._frozen_since = 0.0
        elif not self._frozen_since:
            self._frozen_since = time.monotonic()
        elif time.monotonic() - self._frozen_since > _THAW_AFTER:
            try:
                thaw(self.stack.gateway, self._code, "It is explained.", reconciled=True, actor=_ACTOR)
            except (NotFrozen, StillFrozen):
                return  # the worker has just found it frozen, or not yet


def _waiting() -> Iterator[Any]:
    count = select(func.count())
    yield count.select_from(PayoutRow).where(PayoutRow.status.not_in(ENDED))
    yield count.select_from(OutboxRow).where(OutboxRow.handled_at.is_(None))
    pending = (DeliveryStatus.PENDING, DeliveryStatus.SENDING)
    yield count.select_from(Delivery).where(Delivery.status.in_(pending))
    yield count.select_from(OutsideTransferRow).where(OutsideTransferRow.status == PaymentStatus.CONFIRMING)
    yield count.select_from(SpendRow).where(SpendRow.status.in_(_UNDER_WAY))
    yield count.select_from(PaymentRow).where(
        PaymentRow.status.in_((PaymentStatus.SEEN, PaymentStatus.CONFIRMING))
    )
    waits = (Standing.NEW, Standing.COLLECTED, Standing.LATER, Standing.BEHIND)
    yield count.select_from(UnsweptRow).where(UnsweptRow.standing.in_(waits))
    undecided = (TransactionStatus.OPEN, TransactionStatus.INCLUDED, TransactionStatus.USURPED)
    yield count.select_from(TransactionRow).where(TransactionRow.status.in_(undecided))


@contextmanager
def open_run(
    folder: Path,
    seed: int,
    database_url: str = "",
    *,
    family: Family = EVM,
    places: Mapping[str, Sequence[Failpoint]] | None = None,
    restart_database: Callable[[], None] | None = None,
    defect: str = "",
) -> Iterator[Run]:
    """Start a stack and its processes, all of them with a defect where one is named."""
    with family.faults() as faults:

        def network(ground: Ground) -> Mapping[str, Any]:
            for proxy in faults.proxies:
                proxy.upstream = ground.chain.network.rpc_url
            return {
                "rpc_urls": faults.urls,
                "poll_seconds": 0.3,
                "notice_seconds": 0.3,
                "block_seconds": 0.2,
                "cold_address": ground.cold,
                "assets": {TOKEN: {"cold_above": str(ground.first_funds[TOKEN] // 10**6)}},
                **family.sending,
            }

        with open_stack(
            folder,
            database_url,
            start=family.ground.start,
            traces=family.ground.traces,
            network=network,
            currencies={family.name: family.native},
            tables={"sweeps": _SWEEPS, "rates": {"fixed": family.ground.rates}},
        ) as stack:
            stack.environment = {**stack.environment, **({DEFECT: defect} if defect else {})}
            wanted = family.places if places is None else places
            run = Run(stack, seed, faults, places=wanted, restart_database=restart_database)
            try:
                yield run
            finally:
                run.close()
