"""Sending on a development chain: from bytes of one's own, as a careful client does."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from cloudpay_devnet.errors import RpcFailed
from cloudpay_devnet.tron.addresses import ZERO
from cloudpay_devnet.tron.calls import call, call_bytes, creation
from cloudpay_devnet.tron.client import TronClient
from cloudpay_devnet.tron.keys import DevKey
from cloudpay_devnet.tron.parameters import TRX
from cloudpay_devnet.tron.transactions import id_of, wrapped
from cloudpay_tron.protocol import tron_pb2 as tron

_LIFE_MS = 600_000
_DEPLOYMENT_FEE = 1_000 * TRX
_CALL_FEE = 100 * TRX
_FIRST_KEY = 0xC10D_0000_0000_0001
_keys = itertools.count(_FIRST_KEY)


@dataclass
class Desk:
    """Builds, signs and sends transactions on a node that makes a block for each."""

    node: TronClient

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
        return self.receipt(self.taken(contract, key, **fields))

    def taken(self, contract: Message, key: DevKey, **fields: Any) -> str:
        """Send a contract and return its transaction's id; raises RpcFailed when it is refused."""
        answer = self.sent(self.framed(contract, **fields), key)
        if not answer.get("result"):
            told = answer.get("Error") or f"{answer['code']}: {answer['message']}"
            raise RpcFailed("broadcasthex", 200, told)
        return str(answer["txid"])

    def deployed(
        self,
        artefact: str,
        types: Sequence[str],
        values: Sequence[object],
        key: DevKey,
        *,
        name: str = "",
        caller_percent: int = 100,
        **fields: Any,
    ) -> bytes:
        """Deploy a compiled contract by a transaction of its own; the contract's address."""
        made = creation(artefact, types, values, key.address, name=name, caller_percent=caller_percent)
        receipt = self.done(made, key, **{"fee_limit": _DEPLOYMENT_FEE} | fields)
        if receipt["receipt"].get("result") != "SUCCESS":
            raise RpcFailed("deployment", 200, str(receipt))
        return bytes.fromhex(receipt["contract_address"])

    def called(
        self,
        contract: bytes,
        signature: str,
        values: Sequence[object],
        key: DevKey,
        *,
        value: int = 0,
        **fields: Any,
    ) -> dict[str, Any]:
        """Call a contract; the receipt, whatever came of it. `value` sends sun along."""
        made = call(contract, signature, values, key.address, value)
        return self.done(made, key, **{"fee_limit": _CALL_FEE} | fields)

    def read(self, contract: bytes, signature: str, *values: object) -> int:
        """The number that a function answers."""
        data = call_bytes(signature, values).hex()
        asked = {"owner_address": ZERO.hex(), "contract_address": contract.hex(), "data": data}
        return int(self.node.call("wallet/triggerconstantcontract", **asked)["constant_result"][0], 16)

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
