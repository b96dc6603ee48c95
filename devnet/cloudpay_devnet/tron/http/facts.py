"""The chain's parameters, the node itself, and TRC-10 tokens."""

from typing import Any

from cloudpay_devnet.tron.http.request import Request
from cloudpay_devnet.tron.parameters import CHAIN_NAMES, FIXED
from cloudpay_devnet.tron.wire import bytes_to_json, to_json
from cloudpay_tron.protocol import tron_pb2 as tron

VERSION = "4.8.1"


def parameters(request: Request) -> dict[str, Any]:
    """`getchainparameters`."""
    current = request.world.parameters
    values = {name: getattr(current, field) for field, name in CHAIN_NAMES.items()} | FIXED
    shown = [{"key": key, "value": value} if value else {"key": key} for key, value in values.items()]
    return {"chainParameter": shown}


def energy_prices(request: Request) -> dict[str, Any]:
    """`getenergyprices`: sun for a unit, by the time from which it holds."""
    return {"prices": f"0:{request.world.parameters.energy_fee}"}


def bandwidth_prices(request: Request) -> dict[str, Any]:
    """`getbandwidthprices`: sun for a byte."""
    return {"prices": f"0:{request.world.parameters.transaction_fee}"}


def memo_prices(request: Request) -> dict[str, Any]:
    """`getmemofee`: sun for a memo."""
    return {"prices": f"0:{request.world.parameters.memo_fee}"}


def node(request: Request) -> dict[str, Any]:
    """`getnodeinfo`: above all the head and the solid block."""
    head, chain = request.block, request.chain
    solid = chain.block(min(request.top, chain.solid))
    return {
        "beginSyncNum": 0,
        "block": f"Num:{head.number},ID:{head.id.hex()}",
        "solidityBlock": f"Num:{solid.number},ID:{solid.id.hex()}",
        "currentConnectCount": 30,
        "activeConnectCount": 8,
        "passiveConnectCount": 22,
        "totalFlow": 0,
        "peerInfoList": [],
        "configNodeInfo": {"codeVersion": VERSION, "p2pVersion": "11111", "supportConstant": True},
        "machineInfo": {},
        "cheatWitnessInfoMap": {},
    }


def nodes(_: Request) -> dict[str, Any]:
    """`listnodes`: there are no others."""
    return {"nodes": []}


def witnesses(request: Request) -> dict[str, Any]:
    """`listwitnesses`: who made the last block."""
    maker = request.block.block.block_header.raw_data.witness_address
    shown = bytes_to_json("address", maker, visible=request.visible)
    return {"witnesses": [{"address": shown, "voteCount": 1, "url": "devnet", "isJobs": True}]}


def asset(request: Request) -> dict[str, Any]:
    """`getassetissuebyid`."""
    body = request.world.assets.get(str(request.required("value")))
    return {} if body is None else _asset(request, body)


def assets(request: Request) -> dict[str, Any]:
    """`getassetissuelist`."""
    found = [_asset(request, body) for body in request.world.assets.values()]
    return {"assetIssue": found} if found else {}


def assets_of_account(request: Request) -> dict[str, Any]:
    """`getassetissuebyaccount`."""
    issuer = request.address("address")
    bodies = request.world.assets.values()
    found = [
        _asset(request, body)
        for body in bodies
        if tron.AssetIssueContract.FromString(body).owner_address == issuer
    ]
    return {"assetIssue": found} if found else {}


def assets_by_name(request: Request) -> dict[str, Any]:
    """`getassetissuelistbyname`: any number of tokens may have one name."""
    wanted = str(request.required("value"))
    found = [
        shown
        for body in request.world.assets.values()
        if (shown := _asset(request, body)).get("name") == wanted
    ]
    return {"assetIssue": found} if found else {}


def _asset(request: Request, body: bytes) -> dict[str, Any]:
    return to_json(tron.AssetIssueContract.FromString(body), visible=request.visible)
