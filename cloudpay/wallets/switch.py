"""The kill switch: `freezes` in SQL, and a file beside the seal key. Either one freezes; a thaw ends both."""

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from cloudpay.alerts.service import Alert, clear_alert, open_alert
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.settings import Settings
from cloudpay.wallets.freezes import EVERYWHERE, SYSTEM, Freeze, freeze, freezes, frozen, thaw

_NAMES = {EVERYWHERE: "frozen"}


@dataclass(frozen=True)
class Frozen:
    """What is frozen (`*` stands for all networks), why, and since when where that is known.

    One that needs a reconciliation ends only by the word of a person who has compared the gateway with the chain.
    """

    network: str
    reason: str
    since: datetime | None = None
    needs_reconciliation: bool = False


def freeze_sending(
    session: Session,
    gateway: Gateway,
    network: str,
    reason: str,
    *,
    needs_reconciliation: bool = False,
    actor: str = SYSTEM,
) -> bool:
    """Have nothing signed on a network, or everywhere, from this transaction on; an alert tells of it."""
    now = gateway.clock.now(session)
    fresh = freeze(session, network, reason, now, needs_reconciliation=needs_reconciliation, actor=actor)
    name = "all networks" if network == EVERYWHERE else network
    alert = Alert(AlertKind.SENDING_FROZEN, network, f"Nothing is signed on {name}: {reason}")
    open_alert(session, gateway, alert)
    return fresh


def thaw_sending(session: Session, gateway: Gateway, network: str, *, actor: str) -> bool:
    """Let what was frozen be signed for again, where no file freezes it too."""
    clear_alert(session, gateway, AlertKind.SENDING_FROZEN, network, actor=actor)
    return thaw(session, network, actor=actor)


def why_frozen(session: Session, settings: Settings, network: str) -> Frozen | None:
    """Answer why nothing may be signed on a network now, or None."""
    row = frozen(session, network)
    if row is not None:
        return _frozen(row)
    for name in (EVERYWHERE, network):
        reason = read_file(settings, name)
        if reason is not None:
            return Frozen(name, reason)
    return None


def all_frozen(session: Session, settings: Settings, networks: Sequence[str]) -> list[Frozen]:
    """Answer everything that is frozen, by SQL or by a file that this user can see."""
    found = {each.network: _frozen(each) for each in freezes(session)}
    for name in (EVERYWHERE, *networks):
        reason = read_file(settings, name)
        if reason is not None:
            found.setdefault(name, Frozen(name, reason))
    return list(found.values())


def write_file(settings: Settings, network: str, reason: str) -> bool:
    """Freeze by a file, which no thief of the database can remove; False where this user cannot write there."""
    path = _file(settings, network)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(f"{reason}\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        return True
    except OSError:
        return False
    return True


def remove_file(settings: Settings, network: str) -> bool:
    """Take the file away; False where it is there and this user cannot."""
    try:
        with contextlib.suppress(FileNotFoundError):
            _file(settings, network).unlink()
    except OSError:
        return False
    return True


def read_file(settings: Settings, network: str) -> str | None:
    """Answer why a file freezes a network, or None; one that is there and cannot be read freezes too."""
    path = _file(settings, network)
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or "No reason was given."
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        return None
    except OSError as error:
        return None if not _reachable(path.parent) else f"{path} cannot be read: {error.strerror}."


def _frozen(row: Freeze) -> Frozen:
    return Frozen(row.network, row.reason, row.since, row.needs_reconciliation)


def _file(settings: Settings, network: str) -> Path:
    return settings.seal_key_path.parent / _NAMES.get(network, f"frozen-{network}")


def _reachable(folder: Path) -> bool:
    """Whoever may not even look into the seal key's folder does not sign, and so needs no answer."""
    return os.access(folder, os.X_OK)
