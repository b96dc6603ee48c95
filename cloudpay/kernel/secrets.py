"""The application key: hashes API keys, seals webhook secrets; and the files that keys live in."""

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cloudpay.kernel.errors import ConfigurationError

KEY_BYTES = 32
_NONCE_BYTES = 12  # NIST SP 800-38D, section 5.2.1.1


class KeyFileError(ConfigurationError):
    """A key file is missing, unreadable or not a key."""

    code = "key_file_error"


class WrongKey(ConfigurationError):
    """Sealed bytes do not open with this key: another key sealed them, or they were changed."""

    code = "wrong_key"


class SealKey:
    """Seals and opens bytes (AES-256-GCM); `purpose` is bound in, so that one secret cannot stand in for another."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, plain: bytes, purpose: str) -> bytes:
        """Answer nonce and ciphertext."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self._key).encrypt(nonce, plain, purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """Answer what was sealed; raises `WrongKey`."""
        try:
            return AESGCM(self._key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode())
        except (InvalidTag, ValueError) as error:  # ValueError: too short to be sealed bytes at all
            raise WrongKey(
                f"The sealed {purpose} does not open with this key. Was the key file replaced? Put the old one back."
            ) from error


class AppKey:
    """What every process holds: two keys derived from `app.key`, one for hashes, one for sealing."""

    def __init__(self, key: bytes) -> None:
        self._hash_key = _derive(key, b"cloudpay api keys")
        self.sealing = SealKey(_derive(key, b"cloudpay sealing"))

    def digest(self, text: str) -> str:
        """A keyed hash: without the key file, a database dump does not let anyone test guesses."""
        return hmac.new(self._hash_key, text.encode(), hashlib.sha256).hexdigest()


def read_key(path: Path) -> bytes:
    """Read a key file; raises `KeyFileError`."""
    try:
        key = base64.b64decode(path.read_text(encoding="ascii").strip(), validate=True)
    except OSError as error:
        raise KeyFileError(f"The key file {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise KeyFileError(
            f"The key file {path} does not hold a key in base64. Restore it from a backup."
        ) from error
    if len(key) != KEY_BYTES:
        raise KeyFileError(
            f"The key file {path} holds {len(key)} bytes instead of {KEY_BYTES}. Restore it from a backup."
        )
    return key


def read_or_create_key(path: Path) -> bytes:
    """Read a key file, or make one that only this user may read; two processes that start together get the same key."""
    if not path.exists():
        try:
            _create_key(path)
        except OSError as error:
            raise KeyFileError(f"The key file {path} cannot be made: {error.strerror}.") from error
    return read_key(path)


def _create_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # fails, and so keeps the first key, when another process was faster
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    # What this key seals is on disk for good; after a power cut the file's name must be there too.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(key)
