"""Faults at work: on the way of an answer, and in what it says."""

import json
from dataclasses import dataclass
from typing import Any

from cloudpay_devnet.tron.addresses import PREFIX, hash_of
from cloudpay_devnet.tron.errors import ServerBusyError
from cloudpay_devnet.tron.faults import Fault, Faults
from cloudpay_devnet.tron.transactions import as_json, from_json
from cloudpay_devnet.tron.wire import bytes_to_json

THIEF = PREFIX + b"thief thief thief th"
_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
_BROADCASTS = ("/wallet/broadcasttransaction", "/wallet/broadcasthex")


@dataclass(frozen=True)
class Answer:
    """What goes over the wire; no status is a connection that is closed without a word."""

    status: int | None
    body: bytes
    kind: str = "application/json"


def before(faults: Faults, path: str) -> Answer | Fault | None:
    """An answer instead of the true one, or a delay to sit out first."""
    fault = faults.take(path, "timeout", "hang_up", "status", "html", "empty", "error")
    if fault is None or fault.kind == "timeout":
        return fault
    if fault.kind == "hang_up":
        return Answer(None, b"")
    if fault.kind == "status":
        status = int(fault.values.get("status", 503))
        return Answer(status, f"Error {status}".encode(), "text/plain")
    if fault.kind == "html":
        return Answer(200, _PAGE.encode(), "text/html")
    text = {"Error": str(fault.values.get("text", "class java.lang.NullPointerException : null"))}
    return Answer(200, json.dumps({} if fault.kind == "empty" else text).encode())


def instead_of_broadcast(faults: Faults, path: str, given: dict[str, Any]) -> dict[str, Any] | None:
    """The answer to a broadcast that is refused, or thrown away in silence."""
    if path not in _BROADCASTS:
        return None
    fault = faults.take(path, "busy", "lost")
    if fault is None:
        return None
    digest = _digest(path, given)
    if fault.kind == "lost":
        plain = {"code": "SUCCESS", "message": ""} if path.endswith("hex") else {}
        return {"result": True, "txid": digest} | plain
    busy = ServerBusyError("Server busy.")
    message = busy.answer if path.endswith("hex") else busy.answer.encode().hex()
    return {"code": busy.code, "txid": digest, "message": message}


def after(faults: Faults, path: str, answer: Any) -> Answer:
    """The true answer, bent where a fault says so."""
    if isinstance(answer, dict):
        answer = _bent(faults, path, answer)
    body = json.dumps(answer, ensure_ascii=False).encode()
    if path in _BROADCASTS and faults.take(path, "deaf"):
        return Answer(504, b"Gateway Timeout", "text/plain")
    if faults.take(path, "cut"):
        body = body[: len(body) // 2]
    return Answer(200, body)


def _bent(faults: Faults, path: str, answer: dict[str, Any]) -> dict[str, Any]:
    inner = answer if "raw_data" in answer else answer.get("transaction")
    if not isinstance(inner, dict) or "raw_data" not in inner or not path.startswith("/wallet/"):
        return answer
    fault = faults.take(path, "wrong_txid", "forged")
    if fault is None:
        return answer
    other = hash_of(b"another transaction").hex()
    inner = inner | {"txID": other} if fault.kind == "wrong_txid" else _forged(inner)
    return inner if "raw_data" in answer else answer | {"transaction": inner}


def _forged(made: dict[str, Any]) -> dict[str, Any]:
    visible = bool(made.get("visible"))
    value = made["raw_data"]["contract"][0]["parameter"]["value"]
    for key in ("to_address", "receiver_address", "contract_address"):
        if key in value:
            value[key] = bytes_to_json("address", THIEF, visible=visible)
    return {"visible": visible} | as_json(from_json(made, visible=visible), visible=visible)


def _digest(path: str, given: dict[str, Any]) -> str:
    from cloudpay_devnet.tron.transactions import id_of
    from cloudpay_tron.protocol import tron_pb2 as tron

    if path.endswith("hex"):
        return id_of(tron.Transaction.FromString(bytes.fromhex(str(given["transaction"])))).hex()
    return id_of(from_json(given, visible=bool(given.get("visible")))).hex()
