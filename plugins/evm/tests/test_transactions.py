"""The bytes that are signed, held against another implementation, and what is read back from them."""

from dataclasses import replace
from typing import Any

import pytest
from coincurve import PrivateKey
from eth_account import Account
from hypothesis import example, given
from hypothesis import strategies as st

from cloudpay.chains.spending import Draft, KeyPath, Payee, Spend
from cloudpay_evm.checksum import checksummed
from cloudpay_evm.claims import claim_of
from cloudpay_evm.explaining import HALF_ORDER, ORDER, Explainer, address_bytes, token_call
from cloudpay_evm.signing import sign
from cloudpay_evm.transactions import DYNAMIC, LEGACY, Signature, Transaction, payload, read, signed

CHAIN_ID = 31337
KEY = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
SOURCE = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
PAYEE = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
TOKEN = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
PATH = KeyPath(0, 1, 0)
EXPLAINER = Explainer(CHAIN_ID, [TOKEN], margin=0)


class Key:
    """A signer; with `high` it answers the twin of each signature."""

    def __init__(self, secret: bytes = KEY, *, high: bool = False) -> None:
        self.secret, self.high = secret, high

    def sign(self, path: KeyPath, digest: bytes) -> bytes:
        flat = PrivateKey(self.secret).sign_recoverable(digest, hasher=None)
        if not self.high:
            return flat
        return flat[:32] + (ORDER - int.from_bytes(flat[32:64])).to_bytes(32) + bytes([flat[64] ^ 1])


def transaction(kind: int = DYNAMIC, **changes: Any) -> Transaction:
    usual = Transaction(
        kind=kind,
        chain_id=CHAIN_ID,
        nonce=7,
        tip=10**9,
        max_fee=10**9 if kind == LEGACY else 30 * 10**9,
        gas=21_000,
        to=address_bytes(PAYEE),
        value=10**18,
        data=b"",
    )
    return replace(usual, **changes)


def draft_of(made: Transaction, source: str = SOURCE) -> Draft:
    spend = Spend("a", source, PAYEE, None, made.value)
    return Draft((spend,), frozenset({claim_of(source, made.nonce)}), (), None, (PATH,), payload(made))


numbers = st.integers(0, 2**64 - 1)
addresses = st.binary(min_size=20, max_size=20)


@st.composite
def transfers(draw: st.DrawFn) -> Transaction:
    kind = draw(st.sampled_from([DYNAMIC, LEGACY]))
    max_fee = draw(st.integers(0, 2**80))
    amount = draw(st.integers(0, 2**256 - 1))
    recipient = checksummed(draw(addresses).hex())
    is_token = draw(st.booleans())
    return transaction(
        kind,
        nonce=draw(numbers),
        gas=draw(numbers),
        max_fee=max_fee,
        tip=max_fee if kind == LEGACY else draw(st.integers(0, max_fee)),
        to=draw(addresses) if is_token else address_bytes(recipient),
        value=0 if is_token else amount,
        data=token_call(recipient, amount) if is_token else b"",
    )


def peers_bytes(made: Transaction) -> tuple[bytes, str]:
    """The same transaction, signed by eth_account."""
    table: dict[str, Any] = {
        "chainId": made.chain_id,
        "nonce": made.nonce,
        "gas": made.gas,
        "to": checksummed(made.to.hex()),
        "value": made.value,
        "data": made.data,
    }
    if made.kind == DYNAMIC:
        table |= {"type": 2, "maxFeePerGas": made.max_fee, "maxPriorityFeePerGas": made.tip}
    else:
        table |= {"gasPrice": made.max_fee}
    peer = Account.from_key(KEY).sign_transaction(table)
    return bytes(peer.raw_transaction), peer.hash.to_0x_hex()


@given(transfers())
@example(transaction(DYNAMIC, nonce=0, value=0, tip=0))
@example(transaction(LEGACY, nonce=0, value=0))
def test_bytes_and_ids_are_those_of_another_implementation(made: Transaction) -> None:
    ours = sign(draft_of(made), Key(), EXPLAINER)
    assert (ours.raw, ours.tx_id) == peers_bytes(made)


@given(transfers())
def test_what_was_written_is_read_back_and_says_whom_it_pays(made: Transaction) -> None:
    assert read(payload(made)) == (made, None)
    ours = sign(draft_of(made), Key(), EXPLAINER)
    for raw, sender in ((payload(made), None), (ours.raw, SOURCE)):
        told = EXPLAINER.explain(raw)
        contract = checksummed(made.to.hex()) if made.data else None
        recipient = checksummed((made.data[16:36] if made.data else made.to).hex())
        amount = int.from_bytes(made.data[36:]) if made.data else made.value
        assert told.payees == (Payee(recipient, contract, amount),)
        assert (told.largest_fee, told.expires_at, told.sender) == (made.gas * made.max_fee, None, sender)


@given(transfers(), st.data())
def test_a_flipped_bit_is_refused_or_explained_differently(made: Transaction, data: st.DataObject) -> None:
    raw = sign(draft_of(made), Key(), EXPLAINER).raw
    for given_bytes in (payload(made), raw):
        place = data.draw(st.integers(0, len(given_bytes) * 8 - 1))
        flipped = bytearray(given_bytes)
        flipped[place // 8] ^= 1 << place % 8
        try:
            told = EXPLAINER.explain(bytes(flipped)), read(bytes(flipped))
        except ValueError:
            continue
        assert told != (EXPLAINER.explain(given_bytes), read(given_bytes))
        if given_bytes is raw:
            assert told[0].sender != SOURCE


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_by_a_value_error(raw: bytes) -> None:
    try:
        found, signature = read(raw)
    except ValueError:
        return
    assert (payload(found) if signature is None else signed(found, signature)) == raw


def test_of_two_signatures_the_one_with_the_low_s_is_sent() -> None:
    made = transaction()
    low, high = (sign(draft_of(made), Key(high=each), EXPLAINER) for each in (False, True))
    assert low == high
    signature = read(high.raw)[1]
    assert signature is not None and signature.s <= HALF_ORDER


def test_bytes_with_the_twin_of_a_signature_are_refused() -> None:
    made = transaction()
    signature = read(sign(draft_of(made), Key(), EXPLAINER).raw)[1]
    assert signature is not None
    twin = Signature(signature.r, ORDER - signature.s, signature.parity ^ 1)
    with pytest.raises(ValueError, match="none that a node takes"):
        EXPLAINER.explain(signed(made, twin))


def test_only_the_sources_own_key_under_its_own_claim_signs() -> None:
    made = transaction()
    with pytest.raises(ValueError, match="is not that of"):
        sign(draft_of(made), Key(b"\x07" * 32), EXPLAINER)
    other_claim = replace(draft_of(made), claims=frozenset({claim_of(SOURCE, 8)}))
    with pytest.raises(ValueError, match="nonce 7"):
        sign(other_claim, Key(), EXPLAINER)
    again = replace(draft_of(made), unsigned=sign(draft_of(made), Key(), EXPLAINER).raw)
    with pytest.raises(ValueError, match="signed already"):
        sign(again, Key(), EXPLAINER)


class Der(Key):
    """Answers what another curve's library would."""

    def sign(self, path: KeyPath, digest: bytes) -> bytes:
        return PrivateKey(self.secret).sign(digest, hasher=None)


def test_a_signature_of_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match="65 bytes"):
        sign(draft_of(transaction()), Der(), EXPLAINER)


CALL = token_call(PAYEE, 5)
TO_TOKEN = address_bytes(TOKEN)
ELSEWISE: dict[str, dict[str, Any]] = {
    "another selector": {"to": TO_TOKEN, "value": 0, "data": bytes.fromhex("095ea7b3") + CALL[4:]},
    "calldata too long": {"to": TO_TOKEN, "value": 0, "data": CALL + b"\0"},
    "calldata too short": {"to": TO_TOKEN, "value": 0, "data": CALL[:-1]},
    "a selector alone": {"to": TO_TOKEN, "value": 0, "data": CALL[:4]},
    "a receiver that is no address": {"to": TO_TOKEN, "value": 0, "data": CALL[:4] + b"\x01" + CALL[5:]},
    "coins along with tokens": {"to": TO_TOKEN, "value": 1, "data": CALL},
    "words along with coins": {"data": b"thank you"},
    "another chain": {"chain_id": 1},
    "a tip above all": {"tip": 31 * 10**9},
}


@pytest.mark.parametrize("changes", ELSEWISE.values(), ids=ELSEWISE)
def test_what_is_no_transfer_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"something else|along with|the chain 1|its tip"):
        EXPLAINER.explain(payload(transaction(**changes)))
    assert EXPLAINER.explain(payload(transaction())).payees == (Payee(PAYEE, None, 10**18),)


def peer_signs(**changes: Any) -> bytes:
    usual = {
        "nonce": 0,
        "gas": 100_000,
        "to": PAYEE,
        "value": 1,
        "data": b"",
        "chainId": CHAIN_ID,
        "maxFeePerGas": 10,
        "maxPriorityFeePerGas": 1,
        "type": 2,
    }
    table = {name: each for name, each in (usual | changes).items() if each is not None}
    return bytes(Account.from_key(KEY).sign_transaction(table).raw_transaction)


STRANGE = {
    "an access list": {"accessList": [{"address": TOKEN, "storageKeys": []}]},
    "a contract's creation": {"to": None, "data": b"\x60\x00"},
    "type 1": {
        "type": 1,
        "accessList": [],
        "gasPrice": 5,
        "maxFeePerGas": None,
        "maxPriorityFeePerGas": None,
    },
    "no chain": {
        "type": None,
        "chainId": None,
        "gasPrice": 5,
        "maxFeePerGas": None,
        "maxPriorityFeePerGas": None,
    },
}


@pytest.mark.parametrize("changes", STRANGE.values(), ids=STRANGE)
def test_other_kinds_of_transactions_are_refused(changes: dict[str, Any]) -> None:
    assert EXPLAINER.explain(peer_signs()).sender == SOURCE
    with pytest.raises(ValueError, match=r"access list|creates a contract|no RLP|names no chain"):
        EXPLAINER.explain(peer_signs(**changes))


def test_the_standards_own_example_is_written_so() -> None:
    # EIP-155, "Example": nonce 9, 20 gwei, 21,000 gas, 1 ether to 0x35…35 on chain 1, by the key 0x46…46.
    made = transaction(
        LEGACY,
        chain_id=1,
        nonce=9,
        tip=20 * 10**9,
        max_fee=20 * 10**9,
        to=b"\x35" * 20,
    )
    signing_data = (
        "ec098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080018080"
    )
    assert payload(made).hex() == signing_data
    explainer = Explainer(1, [], margin=0)
    source = "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F"
    raw = sign(draft_of(made, source), Key(b"\x46" * 32), explainer).raw
    assert raw.hex() == (
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc"
        "2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb196"
        "6a3b6d83"
    )


def test_a_configured_margin_is_part_of_the_largest_fee_and_a_listed_contract_keeps_its_spelling() -> None:
    explainer = Explainer(CHAIN_ID, [TOKEN.lower()], margin=5)
    told = explainer.explain(payload(transaction(to=TO_TOKEN, value=0, data=CALL)))
    assert told.payees == (Payee(PAYEE, TOKEN.lower(), 5),)
    assert told.largest_fee == 21_000 * 30 * 10**9 + 5
