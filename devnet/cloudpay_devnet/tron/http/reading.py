"""Blocks, transactions and receipts."""

from typing import Any

from cloudpay_devnet.tron.addresses import PREFIX
from cloudpay_devnet.tron.blocks import block_json
from cloudpay_devnet.tron.errors import BadInputError
from cloudpay_devnet.tron.http.request import Request
from cloudpay_devnet.tron.store import StoredBlock
from cloudpay_devnet.tron.transactions import as_json
from cloudpay_devnet.tron.wire import to_json
from cloudpay_tron.protocol import tron_pb2 as tron

_MOST_BLOCKS = 100
_ID_DIGITS = 64


def now_block(request: Request) -> dict[str, Any]:
    """`getnowblock`: the last block."""
    return block_json(request.block, visible=request.visible)


def block(request: Request) -> dict[str, Any]:
    """`getblock`: by id or number, or the last; without `detail` its header alone."""
    wanted = str(request.given.get("id_or_num", ""))
    detail = str(request.given.get("detail", False)).lower() == "true"
    if not wanted:
        return block_json(request.block, visible=request.visible, detail=detail)
    if len(wanted) == _ID_DIGITS:
        return _of(request, _number_of(request, request.digest("id_or_num")), detail=detail)
    if not wanted.isdigit():
        raise BadInputError(f'For input string: "{wanted}"')
    return _of(request, int(wanted), detail=detail)


def block_by_number(request: Request) -> dict[str, Any]:
    """`getblockbynum`."""
    return _of(request, request.number("num"))


def block_by_id(request: Request) -> dict[str, Any]:
    """`getblockbyid`."""
    return _of(request, _number_of(request, request.digest()))


def blocks_between(request: Request) -> dict[str, Any]:
    """`getblockbylimitnext`: from `startNum` up to, not with, `endNum`; at most a hundred."""
    first, end = request.number("startNum"), request.number("endNum")
    if not 0 <= first < end <= first + _MOST_BLOCKS:
        return {}
    return _list(request, range(first, end))


def latest_blocks(request: Request) -> dict[str, Any]:
    """`getblockbylatestnum`: the last `num`; at most a hundred."""
    count = request.number("num")
    if not 0 < count < _MOST_BLOCKS:
        return {}
    return _list(request, range(max(0, request.top - count + 1), request.top + 1))


def transaction(request: Request) -> dict[str, Any]:
    """`gettransactionbyid`: of a block, not of those that wait."""
    place = _place(request)
    if place is None:
        return {}
    stored, position = place
    return as_json(stored.block.transactions[position], visible=request.visible)


def receipt(request: Request) -> dict[str, Any]:
    """`gettransactioninfobyid`."""
    place = _place(request)
    if place is None:
        return {}
    stored, position = place
    return info_json(stored.infos[position], visible=request.visible)


def receipts_of_block(request: Request) -> list[dict[str, Any]]:
    """`gettransactioninfobyblocknum`."""
    number = request.number("num")
    stored = request.chain.store.block(number) if 0 <= number <= request.top else None
    return [] if stored is None else [info_json(info, visible=request.visible) for info in stored.infos]


def count_in_block(request: Request) -> dict[str, Any]:
    """`gettransactioncountbyblocknum`: -1 for a block that is not there."""
    number = request.number("num")
    stored = request.chain.store.block(number) if 0 <= number <= request.top else None
    return {"count": -1 if stored is None else len(stored.infos)}


def pending_size(request: Request) -> dict[str, Any]:
    """`getpendingsize`: how many wait."""
    return {"pendingSize": len(request.chain.pending)}


def pending_ids(request: Request) -> dict[str, Any]:
    """`gettransactionlistfrompending`: the ids of those that wait."""
    return {"txId": [each.hex() for each in request.chain.pending]}


def pending_transaction(request: Request) -> dict[str, Any]:
    """`gettransactionfrompending`."""
    waiting = request.chain.pending.get(request.digest())
    return {} if waiting is None else as_json(waiting, visible=request.visible)


def info_json(info: tron.TransactionInfo, *, visible: bool) -> dict[str, Any]:
    """A receipt; a log's address gets its 0x41 only where it is written as Base58."""
    if visible:
        info = tron.TransactionInfo.FromString(info.SerializeToString())
        for log in info.log:
            log.address = PREFIX + log.address
    written = to_json(info, visible=visible)
    written.setdefault("receipt", {})
    return written


def _place(request: Request) -> tuple[StoredBlock, int] | None:
    place = request.chain.store.place_of(request.digest())
    if place is None or place[0] > request.top:
        return None
    return request.chain.block(place[0]), place[1]


def _number_of(request: Request, block_id: bytes) -> int:
    number = request.chain.store.number_of(block_id)
    return -1 if number is None else number


def _of(request: Request, number: int, *, detail: bool = True) -> dict[str, Any]:
    if not 0 <= number <= request.top:
        return {}
    return block_json(request.chain.block(number), visible=request.visible, detail=detail)


def _list(request: Request, numbers: range) -> dict[str, Any]:
    found = [_of(request, number) for number in numbers if number <= request.top]
    return {"block": found} if found else {}
