"""Accounts and signed transactions for the tests of the TRON node."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.message import Message

from cloudpay_devnet.tron.keys import DevKey, dev_keys
from cloudpay_devnet.tron.node import TronNode
from cloudpay_devnet.tron.transactions import id_of, wrapped
from cloudpay_tron.protocol import tron_pb2 as tron_pb

TRX = 1_000_000
_numbers = itertools.count(0xC10D_0000_0000_0001)


@dataclass
class Desk:
    """Makes, signs and sends transactions as a careful client does: from bytes of its own."""

    node: TronNode

    def framed(self, contract: Message, *, permission: int = 0, **fields: Any) -> tron_pb.Transaction:
        """A transaction that refers to the solid block and lives for ten minutes."""
        transaction = wrapped(contract, permission)
        raw = transaction.raw_data
        solid = self.node.call("walletsolidity/getblock")
        raw.ref_block_bytes = bytes.fromhex(solid["blockID"])[6:8]
        raw.ref_block_hash = bytes.fromhex(solid["blockID"])[8:16]
        now = self.node.call("wallet/getnowblock")["block_header"]["raw_data"]["timestamp"]
        raw.timestamp, raw.expiration = now, now + 600_000
        for name, value in fields.items():
            setattr(raw, name, value)
        return transaction

    def sent(self, transaction: tron_pb.Transaction, *keys: DevKey) -> dict[str, Any]:
        """Sign and broadcast; the node's answer."""
        for key in keys:
            transaction.signature.append(key.sign(id_of(transaction)))
        answer: dict[str, Any] = self.node.call(
            "wallet/broadcasthex", transaction=transaction.SerializeToString().hex()
        )
        return answer

    def done(self, contract: Message, key: DevKey, **fields: Any) -> dict[str, Any]:
        """Send a contract that must be taken; its receipt."""
        answer = self.sent(self.framed(contract, **fields), key)
        assert answer["result"], answer
        receipt = self.receipt(answer["txid"])
        assert receipt, answer
        return receipt

    def receipt(self, txid: str) -> dict[str, Any]:
        """A transaction's receipt, empty when it is in no block."""
        receipt: dict[str, Any] = self.node.call("wallet/gettransactioninfobyid", value=txid)
        return receipt

    def balance(self, address: bytes) -> int:
        """An account's sun."""
        return int(self.node.call("wallet/getaccount", address=address.hex()).get("balance", 0))

    def account(self, trx: int = 1_000) -> DevKey:
        """A new account with so many TRX."""
        key = DevKey(f"{next(_numbers):064x}")
        if trx:
            self.node.fund(key.base58, trx * TRX)
        return key


@pytest.fixture
def desk(shared_tron: TronNode) -> Desk:
    return Desk(shared_tron)


@pytest.fixture
def fresh_desk(tron: TronNode) -> Desk:
    return Desk(tron)


@pytest.fixture
def payer() -> DevKey:
    return dev_keys()[0]


@pytest.fixture
def new_key() -> Callable[[], DevKey]:
    """Keys of addresses that are not activated."""
    return lambda: DevKey(f"{next(_numbers):064x}")
