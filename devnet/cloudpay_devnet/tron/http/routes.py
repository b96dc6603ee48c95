"""Which route answers what."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from cloudpay_devnet.tron.http import accounts, broadcasting, calling, creating, facts, lending, reading
from cloudpay_devnet.tron.http.request import Request

Route = Callable[[Request], Any]

READING: Mapping[str, Route] = {
    "getnowblock": reading.now_block,
    "getblock": reading.block,
    "getblockbynum": reading.block_by_number,
    "getblockbyid": reading.block_by_id,
    "getblockbylimitnext": reading.blocks_between,
    "getblockbylatestnum": reading.latest_blocks,
    "gettransactionbyid": reading.transaction,
    "gettransactioninfobyid": reading.receipt,
    "gettransactioninfobyblocknum": reading.receipts_of_block,
    "gettransactioncountbyblocknum": reading.count_in_block,
    "getaccount": accounts.account,
    "getaccountresource": accounts.resources,
    "getaccountnet": accounts.bandwidth,
    "getaccountbalance": accounts.balance_at,
    "getdelegatedresourcev2": lending.delegated,
    "getdelegatedresourceaccountindexv2": lending.delegation_index,
    "getcandelegatedmaxsize": lending.can_delegate,
    "getcanwithdrawunfreezeamount": accounts.can_withdraw,
    "getavailableunfreezecount": accounts.unfreezes_left,
    "triggerconstantcontract": calling.trigger_constant,
    "estimateenergy": calling.estimate,
    "getcontract": calling.contract,
    "getcontractinfo": calling.contract_info,
    "getchainparameters": facts.parameters,
    "getenergyprices": facts.energy_prices,
    "getbandwidthprices": facts.bandwidth_prices,
    "getnodeinfo": facts.node,
    "listwitnesses": facts.witnesses,
    "getassetissuebyid": facts.asset,
    "getassetissuelist": facts.assets,
    "getassetissuebyaccount": facts.assets_of_account,
    "getassetissuelistbyname": facts.assets_by_name,
}
"""Both below `/wallet` and below `/walletsolidity`."""

ACTING: Mapping[str, Route] = {
    **{name: partial(creating.plain, kind=kind) for name, kind in creating.PLAIN.items()},
    "triggersmartcontract": calling.trigger,
    "deploycontract": calling.deploy,
    "broadcasttransaction": broadcasting.broadcast,
    "broadcasthex": broadcasting.broadcast_hex,
    "getsignweight": broadcasting.sign_weight,
    "getapprovedlist": broadcasting.approved_list,
    "getpendingsize": reading.pending_size,
    "gettransactionfrompending": reading.pending_transaction,
    "gettransactionlistfrompending": reading.pending_ids,
    "validateaddress": accounts.validate,
    "getmemofee": facts.memo_prices,
    "listnodes": facts.nodes,
}
"""Below `/wallet` alone."""


def route_of(path: str) -> Route | None:
    """The route of a path such as `/wallet/getnowblock`."""
    _, kind, name = (*path.split("/", 2), "", "")[:3]
    if kind == "walletsolidity":
        return READING.get(name)
    return ACTING.get(name) or READING.get(name) if kind == "wallet" else None


def is_solid(path: str) -> bool:
    """True where a path is answered at the solid block."""
    return path.startswith("/walletsolidity/")
