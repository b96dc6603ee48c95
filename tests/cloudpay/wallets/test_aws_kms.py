"""The seal key under AWS KMS: encrypted at rest, decrypted by KMS alone, and every refusal says what to do."""

import base64
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from cloudpay.audit.models import AuditEntry
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.errors import ConfigurationError
from cloudpay.kernel.secrets import KEY_BYTES, KeyFileError, SealKey, WrongKey, read_or_create_key
from cloudpay.kernel.sections import AwsKms
from cloudpay.merchants.service import MerchantView
from cloudpay.wallets.resealing import reseal
from cloudpay.wallets.sealing import SealKeyUnavailable, key_source
from cloudpay.wallets.setup import open_wallet
from cloudpay.wallets.signer import MasterKey
from tests.cloudpay.wallets.kms import ARN, FakeKms, serving
from tests.conftest import DEV_WORDS

FINGERPRINT = MasterKey.from_words(DEV_WORDS).fingerprint


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKms]:
    """The service, and credentials for it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    with serving() as found:
        yield found


@pytest.fixture
def by_kms(gateway: Gateway, kms: FakeKms) -> Gateway:
    """A gateway whose seal key is under KMS."""
    settings = msgspec.structs.replace(
        gateway.settings, seal_key="aws-kms", aws_kms=AwsKms(key_id=ARN, endpoint_url=kms.url)
    )
    return replace(gateway, settings=settings)


def test_the_key_lies_here_encrypted_and_kms_decrypts_it(by_kms: Gateway, kms: FakeKms) -> None:
    source = key_source(by_kms.settings)
    assert not source.reachable()
    sealed = source.make().seal(b"words", "a purpose")
    path = by_kms.settings.wrapped_key_path
    assert source.reachable() and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key_source(by_kms.settings).load().open(sealed, "a purpose") == b"words"
    assert [target for target, _body, _headers in kms.heard] == [
        "TrentService.GenerateDataKey",
        "TrentService.Decrypt",
    ]
    for _target, body, headers in kms.heard:
        assert body["EncryptionContext"] == {"cloudpay": "seal key"}
        assert "/eu-central-1/kms/aws4_request" in headers["authorization"]
        assert "host;x-amz-date;x-amz-target" in headers["authorization"]


def test_the_key_itself_is_in_no_file(by_kms: Gateway, kms: FakeKms) -> None:
    key_source(by_kms.settings).make()
    wrapped = msgspec.json.decode(by_kms.settings.wrapped_key_path.read_bytes())
    blob = base64.b64decode(wrapped["data_key"])
    assert wrapped["key_id"] == ARN and len(blob) > KEY_BYTES
    assert not by_kms.settings.seal_key_path.exists()


def test_a_key_that_is_there_is_never_made_anew(by_kms: Gateway, kms: FakeKms) -> None:
    sealed = key_source(by_kms.settings).make().seal(b"words", "p")
    before = by_kms.settings.wrapped_key_path.read_bytes()
    assert key_source(by_kms.settings).make().open(sealed, "p") == b"words"
    assert by_kms.settings.wrapped_key_path.read_bytes() == before


@pytest.mark.parametrize(
    ("refusal", "advice"),
    [
        ("AccessDeniedException", "Allow its role kms:Decrypt"),
        ("ExpiredTokenException", "Allow its role kms:Decrypt"),
        ("com.amazonaws.kms#DisabledException", "Enable it"),
        ("KMSInvalidStateException", "cancel its deletion"),
        ("NotFoundException", "has no key"),
        ("ThrottlingException", "asked again"),
        ("KMSInternalException", "asked again"),
    ],
)
def test_a_refusal_says_what_to_do(by_kms: Gateway, kms: FakeKms, refusal: str, advice: str) -> None:
    key_source(by_kms.settings).make()
    kms.fails = refusal
    with pytest.raises(SealKeyUnavailable, match=advice) as raised:
        key_source(by_kms.settings).load()
    assert "wJalrXUtnFEMI" not in raised.value.message


def test_a_ciphertext_of_another_key_is_a_wrong_key(by_kms: Gateway, kms: FakeKms) -> None:
    key_source(by_kms.settings).make()
    kms.master = b"o" * 32
    with pytest.raises(WrongKey, match="Put the old one back"):
        key_source(by_kms.settings).load()


@pytest.mark.parametrize(
    "raw", [b"<html>hello</html>", b"[]", b"{}", b'{"Plaintext":"AAAA"}', b'{"Plaintext":7}']
)
def test_an_answer_that_is_none_of_kms_is_no_key(by_kms: Gateway, kms: FakeKms, raw: bytes) -> None:
    key_source(by_kms.settings).make()
    kms.raw = raw
    with pytest.raises((SealKeyUnavailable, WrongKey)):
        key_source(by_kms.settings).load()


def test_a_service_that_is_away_is_told_from_one_that_refuses(gateway: Gateway, kms: FakeKms) -> None:
    with serving() as gone:
        pass
    away = AwsKms(key_id=ARN, endpoint_url=gone.url)
    settings = msgspec.structs.replace(gateway.settings, seal_key="aws-kms", aws_kms=away)
    with pytest.raises(SealKeyUnavailable, match="cannot be reached"):
        key_source(settings).make()
    assert not settings.wrapped_key_path.exists()


def test_a_machine_without_credentials_is_told_so(
    by_kms: Gateway, kms: FakeKms, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(SealKeyUnavailable, match="no AWS credentials"):
        key_source(by_kms.settings).make()


def test_a_key_without_a_name_or_a_region_is_a_question_of_configuration(
    gateway: Gateway, kms: FakeKms
) -> None:
    def source(**values: str) -> None:
        settings = msgspec.structs.replace(
            gateway.settings, seal_key="aws-kms", aws_kms=AwsKms(endpoint_url=kms.url, **values)
        )
        key_source(settings).make()

    with pytest.raises(ConfigurationError, match=r"aws_kms\.key_id"):
        source()
    with pytest.raises(ConfigurationError, match=r"aws_kms\.region"):
        source(key_id="alias/seal")


def test_an_encrypted_key_that_is_no_such_file_is_named(by_kms: Gateway, kms: FakeKms) -> None:
    by_kms.settings.wrapped_key_path.write_text("hello")
    with pytest.raises(KeyFileError, match="does not hold an encrypted seal key"):
        key_source(by_kms.settings).load()


def test_the_seed_moves_from_a_file_to_kms_and_back(
    by_kms: Gateway, gateway: Gateway, merchant: MerchantView
) -> None:
    (path := gateway.settings.seal_key_path).write_bytes(base64.b64encode(bytes(KEY_BYTES)) + b"\n")
    by_file = replace(by_kms, settings=msgspec.structs.replace(by_kms.settings, seal_key="file"))
    old = key_source(by_file.settings).load()
    reseal(by_file, "aws-kms", actor="cli:test")
    with pytest.raises(WrongKey):
        open_wallet(by_file, old, [])
    assert open_wallet(by_kms, key_source(by_kms.settings).load(), []).fingerprint == FINGERPRINT
    path.unlink()
    reseal(by_kms, "file", actor="cli:test")
    assert open_wallet(by_file, SealKey(read_or_create_key(path)), []).fingerprint == FINGERPRINT
    with gateway.db.read() as session:
        actions = [
            (row.action, row.details.get("by"))
            for row in session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        ]
    assert actions[-2:] == [("wallet.resealed", "aws-kms"), ("wallet.resealed", "file")]


def test_a_move_that_was_cut_short_or_is_done_again_ends_well(
    by_kms: Gateway, gateway: Gateway, merchant: MerchantView
) -> None:
    """Killed between the encrypted key's file and the seed's row: the same key is taken the next time."""
    gateway.settings.seal_key_path.write_bytes(base64.b64encode(bytes(KEY_BYTES)) + b"\n")
    by_file = replace(by_kms, settings=msgspec.structs.replace(by_kms.settings, seal_key="file"))
    key_source(by_kms.settings).make()
    for _ in range(2):
        reseal(by_file, "aws-kms", actor="cli:test")
    assert open_wallet(by_kms, key_source(by_kms.settings).load(), []).fingerprint == FINGERPRINT


def test_a_gateway_with_its_key_in_a_file_loads_nothing_of_aws() -> None:
    code = (
        "import sys; import cloudpay.transactions.loop, cloudpay.wiring; "
        "print([n for n in sys.modules if 'awscrt' in n or n.endswith('aws_kms')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
