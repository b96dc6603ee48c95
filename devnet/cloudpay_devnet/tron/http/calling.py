"""Contracts: what they are, what a call would answer and cost, and transactions that deploy and call them."""

import json
from typing import Any

from eth_utils.crypto import keccak

from cloudpay_devnet.tron import addresses
from cloudpay_devnet.tron.contracts import smart
from cloudpay_devnet.tron.errors import BadInputError, InvalidContractError, RefusedError
from cloudpay_devnet.tron.http.creating import created_json, framed
from cloudpay_devnet.tron.http.reading import info_json
from cloudpay_devnet.tron.http.request import Request
from cloudpay_devnet.tron.transactions import as_json
from cloudpay_devnet.tron.tvm import Message, Outcome, Result, execute
from cloudpay_devnet.tron.wire import bytes_from_json, to_json
from cloudpay_tron.protocol import tron_pb2 as tron

_MOST_ENERGY = 100_000_000
_CONSTANT = {tron.SmartContract.ABI.Entry.View, tron.SmartContract.ABI.Entry.Pure}
_DEFAULT_ORIGIN_LIMIT = 10_000_000


def contract(request: Request) -> dict[str, Any]:
    """`getcontract`: as it was deployed."""
    body = request.world.contracts.get(request.address("value"))
    if body is None:
        return {}
    return to_json(tron.SmartContract.FromString(body), visible=request.visible)


def contract_info(request: Request) -> dict[str, Any]:
    """`getcontractinfo`: with the code that runs, and the dynamic energy model's state."""
    address = request.address("value")
    found = contract(request)
    if not found:
        return {}
    code = request.world.state.code(address[1:]).hex()
    state = {"update_cycle": request.block.timestamp // 21_600_000}
    return {"smart_contract": found, "runtimecode": code, "contract_state": state}


def trigger(request: Request) -> dict[str, Any]:
    """`triggersmartcontract`: a transaction that calls; a function that only reads is run at once."""
    call = _call(request)
    try:
        body = request.world.contracts.get(call.contract_address)
        if body is None:
            raise InvalidContractError("No contract or not a smart contract")
        if _reads_only(tron.SmartContract.FromString(body), call.data):
            return trigger_constant(request)
        smart.call(request.world, request.chain.moment(), call, bytes(32), request.number("fee_limit"))
    except RefusedError as refused:
        return _refused(request, refused)
    return {"result": {"result": True}, "transaction": created_json(request, framed(request, call))}


def trigger_constant(request: Request) -> dict[str, Any]:
    """`triggerconstantcontract`: runs a call, or without an address a deployment, and keeps nothing of it."""
    call = _call(request, constant=True)
    try:
        outcome = _tried(request, call, _MOST_ENERGY)
    except RefusedError as refused:
        return _refused(request, refused)
    if outcome.result not in {Result.SUCCESS, Result.REVERT}:
        text = f"class org.tron.core.vm.program.Program${_named(outcome.result)}Exception : {outcome.error}"
        return {"result": {"code": "OTHER_ERROR", "message": _text(request, text)}}
    info = tron.TransactionInfo()
    smart.write(outcome, info)
    shown = info_json(info, visible=request.visible)
    result: dict[str, Any] = {"result": True}
    transaction = framed(request, call)
    transaction.ret.add(ret=tron.Transaction.Result.SUCESS)
    if outcome.result is Result.REVERT:
        result["message"] = _text(request, outcome.error)
        transaction.ret[0].ret = tron.Transaction.Result.FAILED
    answer: dict[str, Any] = {"result": result, "energy_used": outcome.energy_used}
    if outcome.energy_penalty:
        answer["energy_penalty"] = outcome.energy_penalty
    answer["constant_result"] = [outcome.output.hex()]
    answer |= {"logs": shown["log"]} if "log" in shown else {}
    answer |= {key: shown[key] for key in ("internal_transactions",) if key in shown}
    return answer | {
        "transaction": {"visible": request.visible} | as_json(transaction, visible=request.visible)
    }


def estimate(request: Request) -> dict[str, Any]:
    """`estimateenergy`: the least limit that a call succeeds with."""
    call = _call(request, constant=True)
    try:
        outcome = _tried(request, call, _MOST_ENERGY)
        if outcome.result is not Result.SUCCESS:
            return {"result": {"code": "CONTRACT_EXE_ERROR", "message": _text(request, outcome.error)}}
        low, high = outcome.energy_used - 1, _MOST_ENERGY
        if _tried(request, call, outcome.energy_used).result is Result.SUCCESS:
            high = outcome.energy_used
        while high - low > 1:
            middle = (low + high) // 2
            enough = _tried(request, call, middle).result is Result.SUCCESS
            low, high = (low, middle) if enough else (middle, high)
    except RefusedError as refused:
        return _refused(request, refused)
    return {"result": {"result": True}, "energy_required": high}


def deploy(request: Request) -> dict[str, Any]:
    """`deploycontract`: a transaction that deploys; raises InvalidContractError."""
    owner = request.address("owner_address")
    entries = request.given.get("abi") or []
    given = request.given | {"abi": {"entrys": json.loads(entries) if isinstance(entries, str) else entries}}
    new = Request(request.chain, request.top, given).message(tron.SmartContract)
    new.origin_address = owner
    new.ClearField("contract_address")
    code = str(request.required("bytecode")) + str(request.given.get("parameter", ""))
    new.bytecode = bytes_from_json("bytecode", code, visible=False)
    new.origin_energy_limit = new.origin_energy_limit or _DEFAULT_ORIGIN_LIMIT
    creation = tron.CreateSmartContract(owner_address=owner, new_contract=new)
    smart.deployment(request.world, request.chain.moment(), creation, bytes(32), request.number("fee_limit"))
    return created_json(request, framed(request, creation))


def _call(request: Request, *, constant: bool = False) -> tron.TriggerSmartContract:
    call = request.message(tron.TriggerSmartContract)
    if not constant or request.given.get("contract_address"):
        call.contract_address = request.address("contract_address")
    call.owner_address = request.address("owner_address")
    selector = str(request.given.get("function_selector") or "")
    if selector:
        parameter = bytes_from_json("parameter", request.given.get("parameter") or "", visible=False)
        call.data = keccak(text=selector)[:4] + parameter
    elif not call.data:
        raise BadInputError("function_selector or data isn't set.")
    return call


def _tried(request: Request, call: tron.TriggerSmartContract, energy: int) -> Outcome:
    """Run a call on what the chain knows, and take it back."""
    world, moment = request.world, request.chain.moment()
    target = call.contract_address
    if target and target not in world.contracts:
        raise InvalidContractError("Smart contract is not exist.")
    owner = call.owner_address[1:]
    address = None if target else addresses.of_contract(bytes(32), call.owner_address)[1:]
    message = Message(
        bytes(32),
        owner,
        owner,
        target[1:] or None,
        call.call_value,
        call.data,
        energy,
        address,
        constant=True,
    )
    with world.undone():
        if world.balance(call.owner_address) < call.call_value:
            raise InvalidContractError("Validate InternalTransfer error, balance is not sufficient.")
        return execute(world.state, message, smart.block_of(world, moment))


def _reads_only(deployed: tron.SmartContract, data: bytes) -> bool:
    for entry in deployed.abi.entrys:
        if entry.type != tron.SmartContract.ABI.Entry.Function:
            continue
        signature = f"{entry.name}({','.join(each.type for each in entry.inputs)})"
        if keccak(text=signature)[:4] == data[:4]:
            return entry.constant or entry.stateMutability in _CONSTANT
    return False


def _refused(request: Request, refused: RefusedError) -> dict[str, Any]:
    return {"result": {"code": refused.code, "message": _text(request, refused.answer)}}


def _named(result: Result) -> str:
    """The name of java-tron's exception."""
    others = {Result.UNKNOWN: "BytecodeExecution", Result.TRANSFER_FAILED: "Transfer"}
    return others.get(result) or "".join(word.capitalize() for word in result.name.split("_"))


def _text(request: Request, text: str) -> str:
    return text if request.visible else text.encode().hex()
