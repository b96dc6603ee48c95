"""What backups and their restore may raise; each says what to do."""

from pathlib import Path
from typing import ClassVar

from cloudpay.kernel.errors import Conflict, InvalidRequest, Unavailable


class BackupDamaged(InvalidRequest):
    """A backup file is cut, or not the one that was written."""

    code: ClassVar[str] = "backup_damaged"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is no whole backup: it was cut or changed, or is another kind of file. Use another copy of it."
        )


class UnknownBackup(InvalidRequest):
    """A file is of a kind or version that this version of CloudPay does not read."""

    code: ClassVar[str] = "unknown_backup"

    def __init__(self, name: str, kind: str, version: int) -> None:
        super().__init__(
            f"{name} says to be {kind[:60]!r} of version {version}, which this version of CloudPay cannot read. "
            "Install the version that wrote it, or a newer one."
        )


class WrongPassphrase(InvalidRequest):
    """A backup file does not open with this passphrase."""

    code: ClassVar[str] = "wrong_passphrase"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is whole, and does not open with this passphrase. Mind capitals and the keyboard's language."
        )


class WeakPassphrase(InvalidRequest):
    """A passphrase is too short to protect a wallet."""

    code: ClassVar[str] = "weak_passphrase"

    def __init__(self, least: int) -> None:
        super().__init__(
            f"The passphrase must have at least {least} characters: whoever finds the file can guess for years. "
            "Five or six random words are good."
        )


class BackupNotWritten(Unavailable):
    """A backup file could not be written; nothing of it is left."""

    code: ClassVar[str] = "backup_not_written"

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"The backup {path} is not written: {reason}. Name another file.")
        self.path, self.reason = path, reason


class OtherWallet(Conflict):
    """A backup is of another wallet than the one that is here."""

    code: ClassVar[str] = "other_wallet"

    def __init__(self, here: str, in_backup: str, what: str = "") -> None:
        super().__init__(
            f"This gateway has another wallet (fingerprint {here}) than the backup (fingerprint {in_backup})"
            f"{f': {what}' if what else ''}. Nothing was changed. Restore into an empty data folder and database, or "
            "choose the backup of this wallet."
        )
        self.here, self.in_backup = here, in_backup


class GatewayRunning(Conflict):
    """Something of this gateway is at work on the database that a backup is to be restored into."""

    code: ClassVar[str] = "gateway_running"

    def __init__(self, holder: str) -> None:
        super().__init__(
            f"This gateway is running ({holder} is at work). Stop every process of it, wait half a minute, "
            "and try again."
        )
