"""The signer that tests use signs with the very keys that a gateway derives from the same words."""

import hashlib

from coincurve import PublicKey

from cloudpay.chains.hd import derive_public_key
from cloudpay.chains.spending import KeyPath
from cloudpay.testing import FakeAddresses, SeedSigner, key_address
from cloudpay.testing.signing import WORDS
from cloudpay.wallets.signer import MasterKey

DIGEST = hashlib.sha256(b"what is signed").digest()


def test_its_account_keys_are_those_of_the_gateway() -> None:
    for coin_type in (1, 60):
        theirs = MasterKey.from_words(WORDS).account_public_keys(coin_type, range(2))
        signer = SeedSigner(WORDS, coin_type)
        assert [signer.account_public_key(account) for account in range(2)] == theirs


def test_it_signs_with_the_key_of_a_path() -> None:
    signer, path = SeedSigner(), KeyPath(1, 0, 7)
    key = PublicKey.from_signature_and_message(signer.sign(path, DIGEST), DIGEST, hasher=None).format()
    assert key == signer.public_key(path) == derive_public_key(signer.account_public_key(1), 0, 7)
    assert key_address(key) == FakeAddresses().derive(signer.account_public_key(1), 0, 7)


def test_a_signature_is_always_the_same_and_has_a_low_s() -> None:
    made = {SeedSigner().sign(KeyPath(0, 0, index), DIGEST) for index in range(20) for _ in range(2)}
    assert len(made) == 20
    half = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0  # SEC 2, half the group's order
    assert all(len(each) == 65 and int.from_bytes(each[32:64]) <= half and each[64] < 4 for each in made)
