import base64
import multiprocessing
import stat
from pathlib import Path

import pytest

from cloudpay.kernel.secrets import AppKey, KeyFileError, SealKey, WrongKey, read_key, read_or_create_key


def make_key(
    path: str, start: "multiprocessing.synchronize.Barrier", answers: "multiprocessing.Queue[bytes]"
) -> None:
    start.wait(30)
    answers.put(read_or_create_key(Path(path)))


def test_processes_that_start_together_get_one_key(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    start, answers = context.Barrier(3), context.Queue()
    path = tmp_path / "keys" / "app.key"
    processes = [context.Process(target=make_key, args=(str(path), start, answers)) for _ in range(3)]
    for process in processes:
        process.start()
    keys = {answers.get(timeout=60) for _ in processes}
    for process in processes:
        process.join(30)
    assert len(keys) == 1
    assert [each.name for each in path.parent.iterdir()] == ["app.key"]  # no draft is left behind


def test_a_key_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "seal.key"
    key = read_or_create_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_or_create_key(path) == read_key(path) == key
    assert len(key) == 32


def test_every_gateway_has_keys_of_its_own(tmp_path: Path) -> None:
    assert read_or_create_key(tmp_path / "a") != read_or_create_key(tmp_path / "b")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("not base64!", "does not hold a key"),
        (base64.b64encode(b"short").decode(), "holds 5 bytes"),
        ("", "0 bytes"),
    ],
)
def test_a_damaged_key_file_is_refused_and_never_replaced(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "app.key"
    path.write_text(content)
    with pytest.raises(KeyFileError, match=reason):
        read_or_create_key(path)
    assert path.read_text() == content


def test_a_missing_key_file_says_which(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"seal\.key cannot be read: No such file"):
        read_key(tmp_path / "seal.key")


def test_a_key_file_that_cannot_be_made_says_which(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(KeyFileError, match=r"app\.key cannot be made"):
        read_or_create_key(tmp_path / "data" / "app.key")


def test_sealed_bytes_open_with_their_key_and_purpose_alone() -> None:
    key = SealKey(b"k" * 32)
    sealed = key.seal(b"whsec", "webhook secret")
    assert b"whsec" not in sealed
    assert key.open(sealed, "webhook secret") == b"whsec"
    with pytest.raises(WrongKey, match=r"another|replaced"):
        SealKey(b"x" * 32).open(sealed, "webhook secret")
    with pytest.raises(WrongKey):
        key.open(sealed, "wallet seed")
    with pytest.raises(WrongKey):
        key.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), "webhook secret")


@pytest.mark.parametrize("sealed", [b"", b"short", b"x" * 12])
def test_what_is_too_short_to_be_sealed_is_refused(sealed: bytes) -> None:
    with pytest.raises(WrongKey):
        SealKey(b"k" * 32).open(sealed, "wallet seed")


def test_sealing_twice_never_gives_the_same_bytes() -> None:
    key = SealKey(b"k" * 32)
    assert key.seal(b"same", "purpose") != key.seal(b"same", "purpose")


def test_a_digest_needs_the_application_key() -> None:
    assert AppKey(b"a" * 32).digest("sk_1") == AppKey(b"a" * 32).digest("sk_1")
    assert AppKey(b"a" * 32).digest("sk_1") != AppKey(b"b" * 32).digest("sk_1")


def test_the_application_keys_two_uses_have_two_keys() -> None:
    sealed = AppKey(b"a" * 32).sealing.seal(b"plain", "purpose")
    with pytest.raises(WrongKey):
        SealKey(b"a" * 32).open(sealed, "purpose")
