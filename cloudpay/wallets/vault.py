"""The backup file: one JSON document, sealed by a passphrase (scrypt, AES-256-GCM) and with a checksum of its own.

The checksum tells a damaged file from a wrong passphrase, also to whoever does not have the passphrase.
"""

import hashlib
import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from cloudpay.wallets.backup_errors import BackupDamaged, BackupNotWritten, UnknownBackup, WrongPassphrase

FORMAT: Final = "cloudpay-wallet-backup"
VERSION: Final = 1

_KEY_BYTES = 32
_SALT_BYTES = 16
_NONCE_BYTES = 12  # NIST SP 800-38D, section 5.2.1.1
_COST = 1 << 17  # with blocks of 8: 128 MiB, and some tenths of a second for each guess
_BLOCKS, _LANES = 8, 1
_MOST_MEMORY = 1 << 30
"""A file that asks for more than this to be opened is not one of ours."""


class Stretching(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the passphrase becomes a key (RFC 7914)."""

    salt: bytes
    n: int
    r: int = _BLOCKS
    p: int = _LANES
    name: str = "scrypt"


class SealedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file as it lies on disk; everything but `sealed` and `checksum` is bound into the seal."""

    format: str
    version: int
    made_at: datetime
    fingerprint: str
    stretching: Stretching
    nonce: bytes
    sealed: bytes = b""
    checksum: str = ""


def seal(plain: bytes, passphrase: str, *, fingerprint: str, made_at: datetime) -> bytes:
    """Answer the bytes of a backup file."""
    stretching = Stretching(secrets.token_bytes(_SALT_BYTES), _COST)
    nonce = secrets.token_bytes(_NONCE_BYTES)
    header = SealedFile(FORMAT, VERSION, made_at, fingerprint, stretching, nonce)
    sealed = AESGCM(_stretch(passphrase, stretching)).encrypt(nonce, plain, _bound(header))
    whole = msgspec.structs.replace(header, sealed=sealed)
    return _written(msgspec.structs.replace(whole, checksum=_checksum(whole)))


def read(data: bytes, name: str) -> SealedFile:
    """Read a backup file as far as that goes without its passphrase; raises `BackupDamaged` and `UnknownBackup`."""
    try:
        kind = msgspec.json.decode(data, type=_Kind)
    except msgspec.DecodeError as error:
        raise BackupDamaged(name) from error
    if kind.format != FORMAT or kind.version != VERSION:
        raise UnknownBackup(name, kind.format, kind.version)
    try:
        found = msgspec.json.decode(data, type=SealedFile)
    except msgspec.DecodeError as error:
        raise BackupDamaged(name) from error
    # Held against the very bytes: no other spelling of the same document passes for whole.
    if found.checksum != _checksum(found) or _written(found) != data:
        raise BackupDamaged(name)
    return found


def unseal(found: SealedFile, passphrase: str, name: str) -> bytes:
    """Answer what was sealed; raises `WrongPassphrase` and `BackupDamaged`."""
    asked = found.stretching
    if asked.name != "scrypt" or not 0 < 128 * asked.n * asked.r * asked.p <= _MOST_MEMORY:
        raise BackupDamaged(name)
    try:
        key = _stretch(passphrase, asked)
    except ValueError as error:
        raise BackupDamaged(name) from error
    try:
        return AESGCM(key).decrypt(found.nonce, found.sealed, _bound(found))
    except InvalidTag as error:
        raise WrongPassphrase(name) from error


def write_new(path: Path, data: bytes) -> None:
    """Write a file that only this user may read and that was not there before; raises `BackupNotWritten`.

    When this returns, the file and its name are on disk.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise BackupNotWritten(path, "it is there already, and nothing is ever overwritten") from error
    except OSError as error:
        raise BackupNotWritten(path, error.strerror or str(error)) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise BackupNotWritten(path, error.strerror or str(error)) from error


class _Kind(msgspec.Struct):
    """What tells one kind of file from another, whatever else is in it."""

    format: str
    version: int


def _stretch(passphrase: str, by: Stretching) -> bytes:
    return Scrypt(salt=by.salt, length=_KEY_BYTES, n=by.n, r=by.r, p=by.p).derive(passphrase.encode())


def _bound(file: SealedFile) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(file, sealed=b"", checksum=""))


def _checksum(file: SealedFile) -> str:
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(file, checksum=""))).hexdigest()


def _written(file: SealedFile) -> bytes:
    return msgspec.json.encode(file) + b"\n"
