"""The kill switch in a person's hand: freeze, and thaw once what happened is explained."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.db import table_of
from cloudpay.kernel.errors import Conflict
from cloudpay.transactions.journal import Journal
from cloudpay.transactions.models import TransactionRow
from cloudpay.transactions.outcomes import Finding, apply_findings
from cloudpay.transactions.rows import ATTEMPT
from cloudpay.transactions.states import TransactionStatus
from cloudpay.wallets.freezes import EVERYWHERE, note_reconciled
from cloudpay.wallets.switch import (
    Frozen,
    all_frozen,
    freeze_sending,
    remove_file,
    thaw_sending,
    why_frozen,
    write_file,
)

_TRANSACTION = table_of(TransactionRow)


class NotReconciled(Conflict):
    """Something was sent that this gateway did not sign, and nobody has said that it is explained."""

    code: ClassVar[str] = "not_reconciled"

    def __init__(self, count: int) -> None:
        super().__init__(
            f"{count} of this gateway's transactions were overtaken by others that it did not sign. Find out who has "
            "the key and compare the master wallets with the chain; then thaw with --reconciled: their payouts fail, "
            "and what was reserved for them is free again."
        )
        self.count = count


class NotCompared(Conflict):
    """A database or a wallet was put back, and nobody has said that it was compared with the chain."""

    code: ClassVar[str] = "not_compared"

    def __init__(self, network: str) -> None:
        name = "Sending as a whole" if network == EVERYWHERE else f"The network {network}"
        super().__init__(
            f"{name} is frozen since an old database or a wallet was put back, and what that takes for unpaid may be "
            "paid. Compare it with the chain (`cloudpay reconcile`, and the master wallets in a block explorer), "
            "cancel the payouts that went out since the backup, then thaw with --reconciled."
        )
        self.network = network


class NotFrozen(Conflict):
    """There is nothing to thaw."""

    code: ClassVar[str] = "not_frozen"

    def __init__(self, network: str) -> None:
        name = "Sending as a whole" if network == EVERYWHERE else f"The network {network}"
        super().__init__(f"{name} is not frozen; `cloudpay chains` shows what is.")


class JournalElsewhere(Conflict):
    """The journal that would be marked is not the one that the sender writes."""

    code: ClassVar[str] = "journal_elsewhere"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is not the journal of what this gateway has signed, or is another user's. Run the command as the "
            "user and with the data folder (CLOUDPAY_DATA_DIR) of `cloudpay worker send`. Only where that journal is "
            "lost, make an empty file in its place there, and run it again. Nothing was changed."
        )
        self.path = path


class StillFrozen(Conflict):
    """The file beside the seal key still freezes."""

    code: ClassVar[str] = "still_frozen"

    def __init__(self, network: str) -> None:
        super().__init__(
            f"The file beside the seal key that freezes {network!r} cannot be taken away by this user, so it is still "
            "frozen. Run the command as the user and on the machine of `cloudpay worker send`."
        )


@dataclass(frozen=True)
class Freezing:
    """Where a freeze stands: always in SQL, and in a file where this user may write one."""

    network: str
    in_file: bool


def freeze(gateway: Gateway, network: str, reason: str, *, actor: str) -> Freezing:
    """Have nothing signed or handed out on a network, or `EVERYWHERE`, from now on."""
    code = _code(gateway, network)
    gateway.db.run(lambda session: freeze_sending(session, gateway, code, reason, actor=actor))
    return Freezing(code, write_file(gateway.settings, code, reason))


def thaw(gateway: Gateway, network: str, reason: str, *, reconciled: bool = False, actor: str) -> int:
    """Let it be signed again; answer how many transactions were given up.

    `reconciled` says that a person has compared the gateway with the chain: what was overtaken from outside has failed,
    and what the journal holds so far need not be known. Raises `NotFrozen`, `NotCompared`, `NotReconciled`,
    `JournalElsewhere`, `JournalFailed` and `StillFrozen`.
    """
    code = _code(gateway, network)

    def work(session: Session) -> int:
        _require_thawable(session, gateway, code, reconciled=reconciled)
        given_up = _give_up(session, gateway, code, allowed=reconciled)
        thaw_sending(session, gateway, code, actor=actor)
        if reconciled:
            note_reconciled(session, code, gateway.clock.now(session))
        details = {"reason": reason, "reconciled": "yes" if reconciled else "no", "given_up": str(given_up)}
        record(session, actor=actor, action="sending.thawed", subject=code, details=details)
        return given_up

    if reconciled and code == EVERYWHERE:
        with gateway.db.read() as session:
            _require_thawable(session, gateway, code, reconciled=True)
            _require_own_journal(session, gateway.settings.journal_path)
            now = gateway.clock.now(session)
        Journal(gateway.settings.journal_path).reconcile(reason, now)
    given_up = gateway.db.run(work)
    if not remove_file(gateway.settings, code):
        raise StillFrozen(code)
    gateway.db.nudge("send")
    return given_up


def frozen_networks(gateway: Gateway) -> dict[str, Frozen]:
    """Answer what freezes each network that is frozen now."""
    with gateway.db.read() as session:
        found = {
            network.code: why_frozen(session, gateway.settings, network.code) for network in gateway.chains
        }
    return {code: frozen for code, frozen in found.items() if frozen is not None}


def _require_thawable(session: Session, gateway: Gateway, code: str, *, reconciled: bool) -> None:
    found = all_frozen(session, gateway.settings, [network.code for network in gateway.chains])
    row = next((each for each in found if each.network == code), None)
    if row is None:
        raise NotFrozen(code)
    if row.needs_reconciliation and not reconciled:
        raise NotCompared(code)


def _require_own_journal(session: Session, path: Path) -> None:
    """Whoever is told only that a file cannot be written gives it another owner, and marks what nobody reads."""
    there = os.access(path, os.F_OK)
    writable = os.access(path if there else path.parent, os.W_OK)
    if not writable or (not there and session.scalar(select(ATTEMPT.c.tx_id).limit(1)) is not None):
        raise JournalElsewhere(path)


def _code(gateway: Gateway, network: str) -> str:
    return network if network == EVERYWHERE else gateway.chains.network(network).code


def _give_up(session: Session, gateway: Gateway, network: str, *, allowed: bool) -> int:
    usurped = [_TRANSACTION.c.status == TransactionStatus.USURPED.value]
    if network != EVERYWHERE:
        usurped.append(_TRANSACTION.c.network == network)
    if not allowed:
        count = session.scalar(select(func.count()).select_from(_TRANSACTION).where(*usurped)) or 0
        if count:
            raise NotReconciled(count)
        return 0
    rows = session.execute(select(_TRANSACTION).where(*usurped)).all()
    return apply_findings(session, gateway, [Finding(row, TransactionStatus.ABANDONED) for row in rows])
