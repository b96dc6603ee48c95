from cloudpay.chains.hd import parse_extended_key
from cloudpay.wallets.signer import MasterKey

# BIP-32, test vector 1
SEED = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
FINGERPRINT = "3442193e"

# The phrase of BIP-39's vectors and what every wallet derives from it by BIP-44 (iancoleman.io/bip39, BIP-44, ETH).
ABANDON = "abandon " * 11 + "about"
ABANDON_ETHEREUM = (
    "xpub6DCoCpSuQZB2jawqnGMEPS63ePKWkwWPH4TU45Q7LPXWuNd8TMtVxRrg"
    "jtEshuqpK3mdhaWHPFsBngh5GFZaM6si3yZdUsT8ddYM3PwnATt"
)
ABANDON_FINGERPRINT = "73c5da0a"


def test_the_fingerprint_is_the_one_of_the_specification() -> None:
    assert MasterKey(SEED).fingerprint == FINGERPRINT


def test_account_keys_are_those_that_every_wallet_derives() -> None:
    master = MasterKey.from_words(ABANDON)
    assert master.fingerprint == ABANDON_FINGERPRINT
    assert master.account_public_keys(60, range(1)) == [ABANDON_ETHEREUM]


def test_an_account_key_says_its_place() -> None:
    key = parse_extended_key(MasterKey.from_words(ABANDON).account_public_keys(60, range(3, 4))[0])
    assert (key.depth, key.number) == (3, 2**31 + 3)


def test_a_master_key_shows_nothing_of_itself() -> None:
    master = MasterKey(SEED)
    assert not hasattr(master, "__dict__")
    assert "PrivateKey" not in repr(master) and "PrivateKey" not in str(master)
