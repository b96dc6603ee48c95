"""The protocol's numbers are those that the world's clients use."""

from google.protobuf.descriptor import Descriptor
from tronpy.proto import tron_pb2 as theirs

from cloudpay_tron.protocol import tron_pb2 as ours


def _fields(message: Descriptor, prefix: str = "") -> dict[tuple[str, str], tuple[int, int, bool]]:
    found = {
        (prefix + message.name, field.name): (field.number, field.type, field.is_repeated)
        for field in message.fields
    }
    for nested in message.nested_types:
        found |= _fields(nested, f"{prefix}{message.name}.")
    return found


def test_every_field_that_another_library_knows_has_the_same_number_and_type() -> None:
    both = set(ours.DESCRIPTOR.message_types_by_name) & set(theirs.DESCRIPTOR.message_types_by_name)
    assert {"Transaction", "TransferContract", "TransferAssetContract", "TriggerSmartContract"} <= both
    for name in both:
        known = _fields(theirs.DESCRIPTOR.message_types_by_name[name])
        here = _fields(ours.DESCRIPTOR.message_types_by_name[name])
        shared = set(known) & set(here)
        assert shared
        assert {field: here[field] for field in shared} == {field: known[field] for field in shared}


def test_what_another_library_wrote_comes_back_byte_for_byte() -> None:
    transfer = theirs.TransferContract(
        owner_address=b"\x41" + bytes(20), to_address=b"\x41" + bytes([7]) * 20, amount=12345
    )
    written = theirs.Transaction()
    contract = written.raw_data.contract.add(type=1)
    contract.parameter.Pack(transfer)
    written.raw_data.ref_block_bytes = b"\x01\x02"
    written.raw_data.expiration = 1_800_000_000_000
    written.raw_data.data = b"memo"
    wire = written.SerializeToString()
    read = ours.Transaction.FromString(wire)
    assert read.SerializeToString() == wire
    assert read.raw_data.contract[0].parameter.type_url == "type.googleapis.com/protocol.TransferContract"
    inner = ours.TransferContract.FromString(read.raw_data.contract[0].parameter.value)
    assert (inner.to_address, inner.amount) == (transfer.to_address, 12345)


def test_a_field_that_nobody_knows_survives_reading_and_writing() -> None:
    unknown = b"\xa2\x06\x03new"  # field 100, bytes
    wire = ours.Transaction(signature=[b"s"]).SerializeToString() + unknown
    assert ours.Transaction.FromString(wire).SerializeToString() == wire
