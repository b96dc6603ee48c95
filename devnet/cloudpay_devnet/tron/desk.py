"""Sending on a development chain: from bytes of one's own, as a careful client does."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.crypto import keccak
from google.protobuf.message import Message

from cloudpay_devnet.contracts import load_contract
from cloudpay_devnet.errors import RpcFailed
from cloudpay_devnet.tron.addresses import ZERO, is_address
from cloudpay_devnet.tron.keys import DevKey
from cloudpay_devnet.tron.node import TronNode
from cloudpay_devnet.tron.parameters import TRX
from cloudpay_devnet.tron.transactions import id_of, wrapped
from cloudpay_devnet.tron.wire import fill
from cloudpay_tron.protocol import tron_pb2 as tron

_LIFE_MS = 600_000
_DEPLOYMENT_FEE = 1_000 * TRX
_CALL_FEE = 100 * TRX
_CALLER_PAYS_ALL = 100
_ORIGIN_ENERGY = 10_000_000
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

    def deployed(
        self,
        artefact: str,
        types: Sequence[str],
        values: Sequence[object],
        key: DevKey,
        *,
        name: str = "",
        caller_percent: int = _CALLER_PAYS_ALL,
        **fields: Any,
    ) -> bytes:
        """Deploy a compiled contract by a transaction of its own; the contract's address."""
        compiled = load_contract(artefact)
        creation = tron.CreateSmartContract(owner_address=key.address)
        new = creation.new_contract
        fill(new, {"abi": {"entrys": list(compiled.abi)}}, visible=False)
        new.origin_address = key.address
        new.bytecode = compiled.bytecode + encoded(types, values)
        new.name = name or artefact
        new.consume_user_resource_percent = caller_percent
        new.origin_energy_limit = _ORIGIN_ENERGY
        receipt = self.done(creation, key, **{"fee_limit": _DEPLOYMENT_FEE} | fields)
        if receipt["receipt"].get("result") != "SUCCESS":
            raise RpcFailed("deployment", 200, str(receipt))
        return bytes.fromhex(receipt["contract_address"])

    def called(
        self, contract: bytes, signature: str, values: Sequence[object], key: DevKey, **fields: Any
    ) -> dict[str, Any]:
        """Call a contract; the receipt, whatever came of it. `value` sends TRX along."""
        call = tron.TriggerSmartContract(
            owner_address=key.address,
            contract_address=contract,
            call_value=fields.pop("value", 0),
            data=call_bytes(signature, values),
        )
        return self.done(call, key, **{"fee_limit": _CALL_FEE} | fields)

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


def call_bytes(signature: str, values: Sequence[object]) -> bytes:
    """The data of a call such as `transfer(address,uint256)`; addresses are 21 bytes."""
    types = [part for part in signature[signature.index("(") + 1 : -1].split(",") if part]
    return keccak(text=signature)[:4] + encoded(types, values)


def encoded(types: Sequence[str], values: Sequence[object]) -> bytes:
    """Arguments as contracts read them."""
    from eth_abi.abi import encode

    return encode(types, [_short(value) for value in values])


def _short(value: object) -> object:
    if isinstance(value, bytes) and is_address(value):
        return value[1:]
    return [_short(each) for each in value] if isinstance(value, list | tuple) else value
