"""Sending on a development chain: from bytes of one's own, as a careful client does."""

import itertools
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from cloudpay_devnet.errors import RpcFailed
from cloudpay_devnet.tron.keys import DevKey
from cloudpay_devnet.tron.node import TronNode
from cloudpay_devnet.tron.parameters import TRX
from cloudpay_devnet.tron.transactions import id_of, wrapped
from cloudpay_tron.protocol import tron_pb2 as tron

_LIFE_MS = 600_000
_FIRST_KEY = 0xC10D_0000_0000_0001
_keys = itertools.count(_FIRST_KEY)


@dataclass
class Desk:
    """Builds, signs and sends transactions on a node that makes a block for each."""

    node: TronNode

    def framed(self, contract: Message, *, permission: int = 0, **fields: Any) -> tron.Transaction:
        """A transaction that refers to the solid block and lives for ten minutes."""
        transaction = wrapped(contract, permission)
        raw = transaction.raw_data
        solid = bytes.fromhex(self.node.call("walletsolidity/getblock")["blockID"])
        raw.ref_block_bytes, raw.ref_block_hash = solid[6:8], solid[8:16]
        now = self.node.call("wallet/getblock")["block_header"]["raw_data"]["timestamp"]
        raw.timestamp, raw.expiration = now, now + _LIFE_MS
        for name, value in fields.items():
            setattr(raw, name, value)
        return transaction

    def sent(self, transaction: tron.Transaction, *keys: DevKey) -> dict[str, Any]:
        """Sign and broadcast; the node's answer."""
        for key in keys:
            transaction.signature.append(key.sign(id_of(transaction)))
        body = transaction.SerializeToString().hex()
        answer: dict[str, Any] = self.node.call("wallet/broadcasthex", transaction=body)
        return answer

    def done(self, contract: Message, key: DevKey, **fields: Any) -> dict[str, Any]:
        """Send a contract and return its receipt; raises RpcFailed when it is refused."""
        answer = self.sent(self.framed(contract, **fields), key)
        if not answer["result"]:
            raise RpcFailed("broadcasthex", 200, f"{answer['code']}: {answer['message']}")
        return self.receipt(answer["txid"])

    def receipt(self, txid: str) -> dict[str, Any]:
        """A transaction's receipt, empty when it is in no block."""
        receipt: dict[str, Any] = self.node.call("wallet/gettransactioninfobyid", value=txid)
        return receipt

    def balance(self, address: bytes) -> int:
        """An account's sun."""
        return int(self.node.call("wallet/getaccount", address=address.hex()).get("balance", 0))

    def account(self, trx: int = 1_000) -> DevKey:
        """A new account with so many TRX; with none it is not activated."""
        key = DevKey(f"{next(_keys):064x}")
        if trx:
            self.node.fund(key.base58, trx * TRX)
        return key
