"""Faults at work: on the way of an answer, and in what it says."""

import json
from dataclasses import dataclass
from typing import Any

from cloudpay_devnet.tron.addresses import PREFIX, from_text, hash_of
from cloudpay_devnet.tron.errors import ServerBusyError
from cloudpay_devnet.tron.faults import Fault, Faults
from cloudpay_devnet.tron.transactions import as_json, from_json
from cloudpay_devnet.tron.wire import bytes_to_json

THIEF = PREFIX + b"thief thief thief th"
_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
_STATUSES = {"status": 503, "json_status": 502}
_LENT_SUN = 1_000_000_000
_SLOW = (
    b"class org.tron.core.vm.program.Program$OutOfTimeException : CPU timeout for 'SWAP1' operation executing"
).hex()
_BROADCASTS = ("/wallet/broadcasttransaction", "/wallet/broadcasthex")


@dataclass(frozen=True)
class Answer:
    """What goes over the wire; no status is a connection that is closed without a word."""

    status: int | None
    body: bytes
    kind: str = "application/json"


def before(faults: Faults, path: str) -> Answer | Fault | None:
    """An answer instead of the true one, or a delay to sit out first."""
    if path.endswith("/triggerconstantcontract") and faults.take(path, "out_of_time"):
        return Answer(200, json.dumps({"result": {"code": "OTHER_ERROR", "message": _SLOW}}).encode())
    fault = faults.take(path, "timeout", "hang_up", "status", "json_status", "html", "empty", "error")
    if fault is None or fault.kind == "timeout":
        return fault
    return _instead(fault)


def _instead(fault: Fault) -> Answer:
    status = fault.values.get("status", _STATUSES.get(fault.kind, 200))
    text = fault.values.get("text", "class java.lang.NullPointerException : null")
    bodies: dict[str, tuple[str, str]] = {
        "hang_up": ("", ""),
        "status": (f"Error {status}", "text/plain"),
        "json_status": (json.dumps({"message": f"Error {status}"}), "application/json"),
        "html": (_PAGE, "text/html"),
        "empty": ("{}", "application/json"),
        "error": (json.dumps({"Error": text}), "application/json"),
    }
    body, kind = bodies[fault.kind]
    return Answer(None if fault.kind == "hang_up" else status, body.encode(), kind)


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


def after(faults: Faults, path: str, answer: Any, *, visible: bool = False) -> Answer:
    """The true answer, bent where a fault says so."""
    if path.rpartition("/")[2].startswith("gettransactioninfo") and (lent := faults.take(path, "lent")):
        _lend(lent, answer if isinstance(answer, list) else [answer], visible=visible)
    elif isinstance(answer, dict):
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


def _lend(fault: Fault, infos: list[dict[str, Any]], *, visible: bool) -> None:
    """Add to results of contracts what `Program.delegateResource` of java-tron writes down."""
    to, sun = from_text(str(fault.values["address"])), int(fault.values.get("sun", _LENT_SUN))
    for info in infos:
        if info.get("receipt", {}).get("result") == "SUCCESS":
            internals = info.setdefault("internal_transactions", [])
            internals.append(
                {
                    "hash": hash_of(f"{info['id']} {len(internals)}".encode()).hex(),
                    "caller_address": info["contract_address"],
                    "transferTo_address": bytes_to_json("address", to, visible=visible),
                    "callValueInfo": [{"callValue": sun}],
                    "note": b"delegateResourceOfEnergy".hex(),
                }
            )


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
