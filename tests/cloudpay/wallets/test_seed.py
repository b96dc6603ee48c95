import pytest

from cloudpay.kernel.secrets import SealKey, WrongKey
from cloudpay.wallets.errors import InvalidMnemonic
from cloudpay.wallets.seed import check_words, make_words, open_words, seal_words, to_seed

TWELVE = "abandon " * 11 + "about"


def test_made_words_are_24_valid_and_never_the_same() -> None:
    first, second = make_words(), make_words()
    assert first != second
    assert len(first.split()) == 24
    assert check_words(first) == first


def test_imported_words_may_be_written_carelessly() -> None:
    assert check_words("\n ABANDON  " + TWELVE.removeprefix("abandon")) == TWELVE


def test_the_seed_is_the_one_of_the_specification_without_a_passphrase() -> None:
    # trezor/python-mnemonic vectors use a passphrase; this is the well-known seed of the same words without one
    assert (
        to_seed(TWELVE).hex().startswith("5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc1")
    )


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("", "there are 0 of them"),
        ("abandon " * 11, "there are 11 of them"),
        ("abandon " * 25, "there are 25 of them"),
        ("abandon " * 5 + "abandom " + "abandon " * 5 + "about", "word 6 is not in the English list"),
        ("abandon " * 12, "checksum"),
    ],
)
def test_bad_words_are_refused_with_the_reason(words: str, reason: str) -> None:
    with pytest.raises(InvalidMnemonic, match=reason):
        check_words(words)


def test_the_refusal_never_repeats_a_word() -> None:
    with pytest.raises(InvalidMnemonic) as refused:
        check_words("zebra " * 11 + "hunter2")
    assert "zebra" not in str(refused.value) and "hunter2" not in str(refused.value)


def test_sealed_words_open_with_their_key_alone() -> None:
    sealed = seal_words(SealKey(b"a" * 32), TWELVE)
    assert b"abandon" not in sealed
    assert open_words(SealKey(b"a" * 32), sealed) == TWELVE
    with pytest.raises(WrongKey, match="wallet seed"):
        open_words(SealKey(b"b" * 32), sealed)


def test_a_secret_that_was_sealed_for_another_purpose_is_no_seed() -> None:
    key = SealKey(b"a" * 32)
    with pytest.raises(WrongKey):
        open_words(key, key.seal(TWELVE.encode(), "webhook secret"))
