"""Where the key comes from that seals the seed: a file on this machine, or a key management service.

Only the worker of the queue `send` and the commands about the wallet ask for it.
"""

import os
from pathlib import Path
from typing import ClassVar, Literal, Protocol

from cloudpay.kernel.errors import Unavailable
from cloudpay.kernel.secrets import SealKey, read_key, read_or_create_key
from cloudpay.kernel.settings import Settings

KeyPlace = Literal["file", "aws-kms"]


class SealKeyUnavailable(Unavailable):
    """The key that seals the seed is not to be had now: nothing is signed, and everything else goes on."""

    code: ClassVar[str] = "seal_key_unavailable"


class KeySource(Protocol):
    """One place that the seal key comes from."""

    def reachable(self) -> bool:
        """Say whether this process may have the key, without asking anybody: whether what it needs lies here."""
        ...

    def load(self) -> SealKey:
        """Answer the key; raises `KeyFileError`, `WrongKey` and `SealKeyUnavailable`."""
        ...

    def make(self) -> SealKey:
        """Answer the key, a new one where there is none yet; raises as `load` does."""
        ...

    def describe(self) -> str:
        """Name the place in a sentence; nothing secret is in it."""
        ...


class FileKey:
    """A key that lies in a file of the signer's own user."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def reachable(self) -> bool:
        """Say whether this user may read the file."""
        return os.access(self.path, os.R_OK)

    def load(self) -> SealKey:
        """Read it."""
        return SealKey(read_key(self.path))

    def make(self) -> SealKey:
        """Read it, or make it."""
        return SealKey(read_or_create_key(self.path))

    def describe(self) -> str:
        """Name the file."""
        return f"the file {self.path}"


def key_source(settings: Settings, place: KeyPlace | None = None) -> KeySource:
    """Answer where the key comes from by the settings, or from another place than they say."""
    if (place or settings.seal_key) == "file":
        return FileKey(settings.seal_key_path)
    # Only a gateway that keeps its key there loads what speaks to it.
    from cloudpay.wallets.aws_kms import KmsKey

    return KmsKey(settings.aws_kms, settings.wrapped_key_path)
