"""BIP-39 words: made, checked on import, sealed and opened."""

from mnemonic import Mnemonic

from cloudpay.kernel.secrets import SealKey
from cloudpay.wallets.errors import InvalidMnemonic

_PURPOSE = "wallet seed"
_BITS = 256
_COUNTS = (12, 15, 18, 21, 24)


def make_words() -> str:
    """Make 24 fresh words from the operating system's randomness."""
    return Mnemonic("english").generate(strength=_BITS)


def check_words(text: str) -> str:
    """Answer imported words in lower case with single spaces; raises `InvalidMnemonic`."""
    book = Mnemonic("english")
    words = text.lower().split()
    if len(words) not in _COUNTS:
        raise InvalidMnemonic(f"there are {len(words)} of them instead of 12, 15, 18, 21 or 24")
    listed = set(book.wordlist)
    foreign = [str(place) for place, word in enumerate(words, start=1) if word not in listed]
    if foreign:
        raise InvalidMnemonic(
            f"word {', '.join(foreign)} is not in the English list; look for a slip of the pen"
        )
    phrase = " ".join(words)
    if not book.check(phrase):
        raise InvalidMnemonic("the checksum does not fit; look for a wrong or swapped word")
    return phrase


def seal_words(seal_key: SealKey, words: str) -> bytes:
    """Seal the words; only the seal key opens them again."""
    return seal_key.seal(words.encode(), _PURPOSE)


def open_words(seal_key: SealKey, sealed: bytes) -> str:
    """Open sealed words; raises `WrongKey`."""
    return seal_key.open(sealed, _PURPOSE).decode()


def to_seed(words: str) -> bytes:
    """Answer the 64 bytes that BIP-32 starts from; no passphrase is used."""
    return Mnemonic.to_seed(words)
