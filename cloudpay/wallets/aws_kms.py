"""The seal key under a key of AWS KMS: it lies here encrypted, and KMS alone can decrypt it.

Speaks KMS's JSON protocol by the HTTP library that webhooks go by; AWS's own runtime (`awscrt`, of the extra
`cloudpay[aws]`) finds this machine's credentials and signs. The AWS SDK itself cannot be installed beside RQ.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from cloudpay.kernel.errors import ConfigurationError
from cloudpay.kernel.secrets import KEY_BYTES, KeyFileError, SealKey, WrongKey
from cloudpay.kernel.sections import AwsKms
from cloudpay.wallets.backup_errors import BackupNotWritten
from cloudpay.wallets.sealing import SealKeyUnavailable
from cloudpay.wallets.vault import write_new

_CONTEXT = {"cloudpay": "seal key"}
"""Bound into the ciphertext, and written to CloudTrail: what else the same key encrypts cannot stand in for it."""

_ARN = re.compile(r"arn:[^:]+:kms:(?P<region>[^:]+):")
_SECONDS = 5
_REFUSED = {
    "AccessDeniedException", "ExpiredTokenException", "IncompleteSignatureException", "InvalidClientTokenId",
    "InvalidSignatureException", "MissingAuthenticationTokenException", "UnrecognizedClientException",
}  # fmt: skip
_DISABLED = {"DisabledException", "KMSInvalidStateException"}
_FOREIGN = {"IncorrectKeyException", "InvalidCiphertextException"}


class WrappedKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file beside the seal key's place: the data key as KMS encrypted it, and the name of the key that did."""

    version: int
    service: str
    key_id: str
    data_key: bytes


class KmsKey:
    """A data key that is stored encrypted and decrypted by KMS, once in the life of the process that needs it."""

    def __init__(self, settings: AwsKms, path: Path) -> None:
        self._settings, self.path = settings, path

    def reachable(self) -> bool:
        """Say whether this user may read the encrypted key."""
        return os.access(self.path, os.R_OK)

    def load(self) -> SealKey:
        """Have KMS decrypt it."""
        wrapped = self._read()
        asked = {"KeyId": wrapped.key_id, "CiphertextBlob": _text(wrapped.data_key)}
        answer = self._ask("Decrypt", {**asked, "EncryptionContext": _CONTEXT})
        return _key(answer)

    def make(self) -> SealKey:
        """Have KMS make one; its encrypted form is on disk when this returns."""
        if self.path.exists():
            return self.load()
        key_id = self._settings.key_id
        if not key_id:
            raise ConfigurationError(
                "aws_kms.key_id is empty: name the key in KMS that is to encrypt the seal key."
            )
        asked = {"KeyId": key_id, "KeySpec": "AES_256", "EncryptionContext": _CONTEXT}
        answer = self._ask("GenerateDataKey", asked)
        key = _key(answer)
        try:
            blob = msgspec.convert(answer["CiphertextBlob"], bytes)
        except (KeyError, msgspec.ValidationError) as error:
            raise SealKeyUnavailable("AWS KMS answered no key. Is aws_kms.endpoint_url right?") from error
        wrapped = WrappedKey(1, "aws-kms", str(answer.get("KeyId") or key_id), blob)
        try:
            write_new(self.path, msgspec.json.encode(wrapped) + b"\n")
        except BackupNotWritten as error:
            raise KeyFileError(
                f"The encrypted seal key {self.path} cannot be written: {error.reason}."
            ) from error
        return key

    def describe(self) -> str:
        """Name the file and the service."""
        return f"AWS KMS, by the encrypted key in {self.path}"

    def _read(self) -> WrappedKey:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=WrappedKey)
        except OSError as error:
            raise KeyFileError(
                f"The encrypted seal key {self.path} cannot be read: {error.strerror}."
            ) from error
        except msgspec.DecodeError as error:
            raise KeyFileError(
                f"The file {self.path} does not hold an encrypted seal key. Restore it from a backup."
            ) from error

    def _ask(self, what: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask KMS one thing; raises `SealKeyUnavailable` with what to do, and `WrongKey`."""
        import requests  # a worker that is not asked to sign needs neither

        from cloudpay.wallets.aws_signature import signed_headers

        region = self._region(str(body["KeyId"]))
        url = self._settings.endpoint_url or f"https://kms.{region}.amazonaws.com/"
        data = json.dumps(body).encode()
        headers = {
            "Host": urlsplit(url).netloc,
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"TrentService.{what}",
        }
        headers = signed_headers(url, headers, data, region=region, service="kms", seconds=_SECONDS)
        try:
            answer = requests.post(
                url, data=data, headers=headers, timeout=(_SECONDS, _SECONDS), allow_redirects=False
            )
        except requests.RequestException as error:
            raise SealKeyUnavailable(
                f"AWS KMS at {_host(url)} cannot be reached ({type(error).__name__}). Nothing is signed until it can; "
                "it is asked again."
            ) from error
        try:
            found = answer.json()
        except requests.JSONDecodeError as error:
            raise SealKeyUnavailable(
                f"{_host(url)} answered {answer.status_code} and nothing that AWS KMS would say. "
                "Is aws_kms.endpoint_url right?"
            ) from error
        if answer.status_code != requests.codes.ok or not isinstance(found, dict):
            raise _explained(found, answer.status_code, str(body["KeyId"]), what)
        return found

    def _region(self, key_id: str) -> str:
        """The settings' region, else the one that the key's ARN names."""
        named = _ARN.match(key_id)
        region = self._settings.region or (named["region"] if named else "")
        if not region:
            raise ConfigurationError(
                "The region of the key in AWS KMS is not known: set aws_kms.region, or name the key by its ARN."
            )
        return region


def _explained(found: Any, status: int, key_id: str, what: str) -> Exception:
    """Turn what KMS refused with into a sentence that says what to do."""
    told = found if isinstance(found, dict) else {}
    kind = str(told.get("__type", "")).rpartition("#")[2]
    if kind in _REFUSED:
        return SealKeyUnavailable(
            f"AWS KMS refused this machine ({kind}). Allow its role kms:{what} on the key {key_id}; it is asked again."
        )
    if kind in _DISABLED:
        return SealKeyUnavailable(
            f"The key {key_id} in AWS KMS is disabled, or will be deleted ({kind}). Enable it, or cancel its deletion; "
            "it is asked again."
        )
    if kind == "NotFoundException":
        return SealKeyUnavailable(
            f"AWS KMS has no key {key_id} in this region and account. Correct aws_kms; it is asked again."
        )
    if kind in _FOREIGN:
        return WrongKey(
            f"AWS KMS cannot decrypt the seal key by {key_id} ({kind}). Was the encrypted key replaced? "
            "Put the old one back."
        )
    return SealKeyUnavailable(f"AWS KMS answered {status} {kind or 'without a reason'}; it is asked again.")


def _key(answer: Mapping[str, Any]) -> SealKey:
    try:
        plain = msgspec.convert(answer["Plaintext"], bytes)
    except (KeyError, msgspec.ValidationError) as error:
        raise SealKeyUnavailable("AWS KMS answered no key. Is aws_kms.endpoint_url right?") from error
    if len(plain) != KEY_BYTES:
        raise WrongKey(f"AWS KMS answered {len(plain)} bytes instead of a key of {KEY_BYTES}.")
    return SealKey(plain)


def _text(data: bytes) -> str:
    return str(msgspec.to_builtins(data))


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
