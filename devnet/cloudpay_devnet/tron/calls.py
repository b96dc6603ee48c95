"""Calls and deployments of contracts as messages of the protocol."""

from collections.abc import Sequence

from eth_utils.crypto import keccak

from cloudpay_devnet.contracts import load_contract
from cloudpay_devnet.tron.addresses import is_address
from cloudpay_devnet.tron.wire import fill
from cloudpay_tron.protocol import tron_pb2 as tron

_CALLER_PAYS_ALL = 100
_ORIGIN_ENERGY = 10_000_000


def creation(
    artefact: str,
    types: Sequence[str],
    values: Sequence[object],
    owner: bytes,
    *,
    name: str = "",
    caller_percent: int = _CALLER_PAYS_ALL,
) -> tron.CreateSmartContract:
    """The deployment of a compiled contract; addresses among its values are 21 bytes."""
    compiled = load_contract(artefact)
    made = tron.CreateSmartContract(owner_address=owner)
    new = made.new_contract
    fill(new, {"abi": {"entrys": list(compiled.abi)}}, visible=False)
    new.origin_address = owner
    new.bytecode = compiled.bytecode + _encoded(types, values)
    new.name = name or artefact
    new.consume_user_resource_percent = caller_percent
    new.origin_energy_limit = _ORIGIN_ENERGY
    return made


def call(
    contract: bytes, signature: str, values: Sequence[object], owner: bytes, value: int = 0
) -> tron.TriggerSmartContract:
    """A call that may send sun along."""
    return tron.TriggerSmartContract(
        owner_address=owner,
        contract_address=contract,
        call_value=value,
        data=call_bytes(signature, values),
    )


def call_bytes(signature: str, values: Sequence[object]) -> bytes:
    """The data of a call such as `transfer(address,uint256)`; addresses are 21 bytes."""
    types = [part for part in signature[signature.index("(") + 1 : -1].split(",") if part]
    return keccak(text=signature)[:4] + _encoded(types, values)


def _encoded(types: Sequence[str], values: Sequence[object]) -> bytes:
    """Arguments as contracts read them."""
    from eth_abi.abi import encode

    return encode(types, [_short(value) for value in values])


def _short(value: object) -> object:
    if isinstance(value, bytes) and is_address(value):
        return value[1:]
    return [_short(each) for each in value] if isinstance(value, list | tuple) else value
