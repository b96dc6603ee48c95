"""Bytes: written by our own definitions, read so that nothing in them stays unexplained."""

import hashlib
from dataclasses import replace

import pytest

from cloudpay_tron.protocol import tron_pb2
from cloudpay_tron.transactions import Transaction, decode, digest_of, encode, reference

USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
ALICE, BOB = "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH", "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf"
PLAIN = Transaction(
    b"\x01\x02", bytes(range(8)), 1_800_000_600_000, 1_800_000_000_000, ALICE, BOB, None, 12_345
)
TOKEN = replace(PLAIN, contract=USDT, amount=2**255 + 7, fee_limit=13_000_000)
# raw_data of a transfer of 1 USDT, as Keystone's documents for signing TRON show it.
KEYSTONE = bytes.fromhex(
    "0a0207902208e1b9de559665c6714080c49789bb2c5aae01081f12a9010a31747970652e676f6f676c65617069732e636f6d2f70726f746f63"
    "6f6c2e54726967676572536d617274436f6e747261637412740a1541c79f045e4d48ad8dae00e6a6714dae1e000adfcd1215410d292c98a5ec"
    "a06c2085fff993996423cf66c93b2244a9059cbb0000000000000000000000009bbce520d984c3b95ad10cb4e32a9294e6338da30000000000"
    "0000000000000000000000000000000000000000000000000f424070c0b6e087bb2c90018094ebdc03"
)


@pytest.mark.parametrize("transaction", [PLAIN, TOKEN])
def test_what_is_written_is_read_back_signed_and_unsigned(transaction: Transaction) -> None:
    assert decode(encode(transaction)) == (transaction, b"")
    assert decode(encode(transaction, b"\x07" * 65)) == (transaction, b"\x07" * 65)


def test_what_another_wallet_wrote_is_read_and_written_byte_for_byte() -> None:
    message = tron_pb2.Transaction(raw_data=tron_pb2.Transaction.raw.FromString(KEYSTONE))
    read, _ = decode(message.SerializeToString())
    assert (read.amount, read.fee_limit, read.timestamp % 1000) == (1_000_000, 1_000_000_000, 0)
    assert encode(read) == message.SerializeToString()


def changed(transaction: Transaction, **fields: object) -> bytes:
    """The same transaction with something beside the transfer."""
    message = tron_pb2.Transaction.FromString(encode(transaction))
    for name, value in fields.items():
        setattr(message.raw_data, name, value)
    return message.SerializeToString()


def with_contract(transaction: Transaction, **fields: object) -> bytes:
    message = tron_pb2.Transaction.FromString(encode(transaction))
    for name, value in fields.items():
        setattr(message.raw_data.contract[0], name, value)
    return message.SerializeToString()


def with_call(**fields: object) -> bytes:
    message = tron_pb2.Transaction.FromString(encode(TOKEN))
    parameter = message.raw_data.contract[0].parameter
    call = tron_pb2.TriggerSmartContract.FromString(parameter.value)
    for name, value in fields.items():
        setattr(call, name, value)
    parameter.value = call.SerializeToString()
    return message.SerializeToString()


def twice() -> bytes:
    message = tron_pb2.Transaction.FromString(encode(PLAIN))
    message.raw_data.contract.add().CopyFrom(message.raw_data.contract[0])
    return message.SerializeToString()


def with_two_signatures() -> bytes:
    message = tron_pb2.Transaction.FromString(encode(PLAIN, bytes(65)))
    message.signature.append(b"\x07" * 65)
    return message.SerializeToString()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"x",
        bytes(100),
        encode(PLAIN)[:-1],
        encode(PLAIN)[1:],
        encode(PLAIN) + b"\0",
        encode(PLAIN) + encode(PLAIN),  # protobuf merges the two
        encode(PLAIN) + b"\x9a\x01\x01\x07",  # a field that nobody knows
        changed(PLAIN, data=b"a memo, which costs one TRX"),
        changed(PLAIN, scripts=b"x"),
        changed(PLAIN, ref_block_num=7),
        with_contract(PLAIN, Permission_id=2),
        with_contract(PLAIN, provider=b"x"),
        with_contract(PLAIN, type=2),
        with_contract(TOKEN, type=57),
        with_call(call_value=1),
        with_call(call_token_value=1),
        with_call(data=bytes.fromhex("095ea7b3") + bytes(64)),  # approve(address,uint256)
        with_call(contract_address=bytes(21)),
        twice(),
        with_two_signatures(),
        encode(PLAIN, b"\x07" * 64),
    ],
)
def test_bytes_that_say_more_or_other_than_a_transfer_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        decode(raw)


def test_the_id_is_of_the_raw_data_and_not_of_the_signature() -> None:
    message = tron_pb2.Transaction.FromString(encode(TOKEN, bytes(65)))
    assert digest_of(TOKEN) == hashlib.sha256(message.raw_data.SerializeToString()).digest()


def test_a_block_is_named_by_two_bytes_of_its_number_and_eight_of_its_id() -> None:
    assert reference("0000000003a1b2c3" + "11223344aabbccdd" + "ff" * 16) == (
        bytes.fromhex("b2c3"),
        bytes.fromhex("11223344aabbccdd"),
    )
