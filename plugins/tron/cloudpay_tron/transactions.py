"""Transactions as bytes: written by our own definitions, and read so strictly that no byte is left unexplained."""

import hashlib
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from cloudpay_tron import trc20
from cloudpay_tron.forms import PREFIX, address_bytes, written
from cloudpay_tron.protocol import tron_pb2

_PADDING = bytes(12)
_CALL_BYTES = 68
_ANY = "type.googleapis.com/protocol."
_SIGNATURE_BYTES = 65
_SIGNATURE_FIELD = 2 + _SIGNATURE_BYTES  # its tag and its length before it
_RESULT_BYTES = 64  # java-tron, `Constant.MAX_RESULT_SIZE_IN_TX`: counted for every contract
_ID_AT = slice(8, 16)  # of a block's id, what a transaction names
_NUMBER_AT = slice(6, 8)


@dataclass(frozen=True)
class Transaction:
    """One transfer; `contract` None: of TRX. Times are in milliseconds, `fee_limit` in sun."""

    ref_block_bytes: bytes
    ref_block_hash: bytes
    expiration: int
    timestamp: int
    owner: str
    recipient: str
    contract: str | None
    amount: int
    fee_limit: int = 0

    @property
    def bandwidth(self) -> int:
        """The bytes that the chain counts for it once it is signed."""
        return len(encode(self, bytes(_SIGNATURE_BYTES))) + _RESULT_BYTES


def reference(block_id: str) -> tuple[bytes, bytes]:
    """Answer what a transaction names of a block: two bytes of its number, eight of its id (TAPOS)."""
    raw = bytes.fromhex(block_id)
    return raw[_NUMBER_AT], raw[_ID_AT]


def encode(transaction: Transaction, signature: bytes = b"") -> bytes:
    """Write a transaction, signed or not."""
    message = tron_pb2.Transaction(raw_data=_raw(transaction))
    if signature:
        message.signature.append(signature)
    return message.SerializeToString(deterministic=True)


def digest_of(transaction: Transaction) -> bytes:
    """Answer what is signed, which is the transaction's id, too: the SHA-256 of its own data."""
    return hashlib.sha256(_raw(transaction).SerializeToString(deterministic=True)).digest()


def decode(raw: bytes) -> tuple[Transaction, bytes]:
    """Read a transaction and its signature (empty: none); raises `ValueError` for all that is not exactly a transfer.

    What was understood is written again and held against the bytes: a field that is not understood, a memo, another
    permission or a second contract is a difference.
    """
    try:
        message = tron_pb2.Transaction.FromString(raw)
    except DecodeError as error:
        raise ValueError("it is no transaction of TRON") from error
    if len(message.raw_data.contract) != 1:
        raise ValueError("it does not have exactly one contract")
    transaction = _read(message.raw_data, message.raw_data.contract[0])
    signature = message.signature[0] if message.signature else b""
    if signature and len(signature) != _SIGNATURE_BYTES:
        raise ValueError(f"a signature has {_SIGNATURE_BYTES} bytes, not {len(signature)}")
    if encode(transaction, signature) != raw:
        raise ValueError("it says more than a transfer does, or says it otherwise")
    return transaction, signature


def _raw(transaction: Transaction) -> "tron_pb2.Transaction.raw":
    raw = tron_pb2.Transaction.raw(
        ref_block_bytes=transaction.ref_block_bytes,
        ref_block_hash=transaction.ref_block_hash,
        expiration=transaction.expiration,
        timestamp=transaction.timestamp,
        fee_limit=transaction.fee_limit,
    )
    kinds = tron_pb2.Transaction.Contract.ContractType
    owner = address_bytes(transaction.owner)
    body: tron_pb2.TransferContract | tron_pb2.TriggerSmartContract
    if transaction.contract is None:
        kind, name = kinds.TransferContract, "TransferContract"
        body = tron_pb2.TransferContract(
            owner_address=owner, to_address=address_bytes(transaction.recipient), amount=transaction.amount
        )
    else:
        kind, name = kinds.TriggerSmartContract, "TriggerSmartContract"
        body = tron_pb2.TriggerSmartContract(
            owner_address=owner,
            contract_address=address_bytes(transaction.contract),
            data=trc20.transfer(transaction.recipient, transaction.amount),
        )
    contract = raw.contract.add(type=kind)
    contract.parameter.type_url = _ANY + name
    contract.parameter.value = body.SerializeToString(deterministic=True)
    return raw


def _read(raw: "tron_pb2.Transaction.raw", contract: "tron_pb2.Transaction.Contract") -> Transaction:
    kinds = tron_pb2.Transaction.Contract.ContractType
    try:
        if contract.type == kinds.TransferContract:
            plain = tron_pb2.TransferContract.FromString(contract.parameter.value)
            owner, recipient, token = plain.owner_address, plain.to_address, None
            amount = plain.amount
        elif contract.type == kinds.TriggerSmartContract:
            call = tron_pb2.TriggerSmartContract.FromString(contract.parameter.value)
            owner, token = call.owner_address, written(call.contract_address)
            recipient, amount = _read_call(call.data)
        else:
            raise ValueError("it is neither a transfer of TRX nor a call of a token")
    except DecodeError as error:
        raise ValueError("its contract is damaged") from error
    if amount <= 0:
        raise ValueError("it moves nothing")
    return Transaction(
        ref_block_bytes=raw.ref_block_bytes,
        ref_block_hash=raw.ref_block_hash,
        expiration=raw.expiration,
        timestamp=raw.timestamp,
        owner=written(owner),
        recipient=written(recipient),
        contract=token,
        amount=amount,
        fee_limit=raw.fee_limit,
    )


def _read_call(data: bytes) -> tuple[bytes, int]:
    if len(data) != _CALL_BYTES or data[:4] != trc20.SELECTOR or data[4:16] != _PADDING:
        raise ValueError("it calls a contract by something else than transfer(address,uint256)")
    return PREFIX + data[16:36], int.from_bytes(data[36:])
